"""Paper: letters and forms as DOCX, filled from matters and the records that they are about."""
