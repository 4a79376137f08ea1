"""The whole system in a storm: killed, cut, delayed, refused; then everything is counted."""
