"""The formats, one file each: a page in, text out."""
