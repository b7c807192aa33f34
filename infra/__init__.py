"""What `pulumi up` creates: one file a logical entity, its IAM beside what it opens."""
