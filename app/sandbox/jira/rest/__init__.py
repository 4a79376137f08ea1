"""Jira's REST interface, version 3, and that of Jira Service Management."""
