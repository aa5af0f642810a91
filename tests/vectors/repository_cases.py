"""Vectors of the steps ``fetch`` and ``trust``, and of bundles as they come from a repository."""

from __future__ import annotations

from collections.abc import Iterator

from repositories import RepositoryCase
from repository_file_cases import encryption_cases, file_cases
from repository_form_cases import form_cases
from repository_good_cases import good_repository_cases
from repository_key_cases import key_cases
from repository_moment_cases import age_of_lists_cases


def repository_cases() -> Iterator[RepositoryCase]:
    for group in (
        good_repository_cases, age_of_lists_cases, key_cases, form_cases, file_cases,
        encryption_cases,
    ):  # fmt: skip
        yield from group()
