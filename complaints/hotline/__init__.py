"""Reading 12345 files: any spreadsheet a hotline exports, into drafts of complaints with what is wrong in each row."""
