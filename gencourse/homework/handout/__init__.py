"""The students' copies, made from the solved notebooks."""
