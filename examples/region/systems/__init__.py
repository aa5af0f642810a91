"""The systems of the three agencies, as they would be found in the field: processes and folders."""
