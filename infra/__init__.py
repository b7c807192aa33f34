"""What `pulumi up` creates: one logical entity per file, with the IAM grants on it."""
