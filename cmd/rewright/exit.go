package main

// Exit statuses; scripts rely on them.
const (
	exitOK       = 0 // done, and nothing to complain about
	exitFindings = 1 // done: findings, a redirect loop, a change of behaviour
	exitUsage    = 2 // not done: usage, unreadable or bad input, a configuration its server refuses
)
