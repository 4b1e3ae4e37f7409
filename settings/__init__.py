"""What a stack may decide: its values, the checks, what stays from birth. Imports nothing of ours."""
