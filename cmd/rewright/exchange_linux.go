package main

import "golang.org/x/sys/unix"

// exchange puts a folder in the place of another and that one in its place, in one step where the file system can.
// Source: rename(2), RENAME_EXCHANGE.
func exchange(temp, dir string) error {
	if unix.Renameat2(unix.AT_FDCWD, temp, unix.AT_FDCWD, dir, unix.RENAME_EXCHANGE) == nil {
		return nil
	}
	return exchangeBySteps(temp, dir)
}
