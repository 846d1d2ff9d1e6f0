"""What disturbs measurements on this machine: watched, graded, and told as warnings."""
