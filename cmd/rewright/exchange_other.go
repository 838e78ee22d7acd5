//go:build !linux

package main

// exchange puts a folder in the place of another and that one in its place.
func exchange(temp, dir string) error { return exchangeBySteps(temp, dir) }
