package main

import (
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progressAfter is how long work may last before it is shown how far it is.
const progressAfter = time.Second

// progress gives a function to call when one of n pieces of work is done, from any goroutine: on a terminal a bar appears on standard
// error when the work lasts longer than progressAfter, and goes when it is done. nil when standard error is no terminal.
func (a *app) progress(what string, n int) func() {
	if !a.errTerminal || n < 2 {
		return nil
	}
	var mu sync.Mutex
	var bar *progressbar.ProgressBar
	start, done := time.Now(), 0
	return func() {
		mu.Lock()
		defer mu.Unlock()
		done++
		if bar == nil {
			if done == n || time.Since(start) < progressAfter {
				return
			}
			bar = progressbar.NewOptions(n, progressbar.OptionSetWriter(a.err), progressbar.OptionSetDescription(what),
				progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionShowCount())
			_ = bar.Set(done)
			return
		}
		_ = bar.Add(1)
	}
}
