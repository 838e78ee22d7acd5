package lint

import (
	"context"
	"runtime"
	"sync"
)

// crew are the workers of one run. Each takes files; one who finds none left helps with the rules of a large file.
type crew struct {
	size int
	idle chan struct{} // one for each worker who has nothing to do
}

// newCrew makes a crew of so many; 0: as many as there are processors.
func newCrew(workers int) *crew {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	return &crew{size: workers, idle: make(chan struct{}, workers)}
}

// alone is a crew whose first worker is busy with one unit.
func alone(workers int) *crew {
	c := newCrew(workers)
	for range c.size - 1 {
		c.idle <- struct{}{}
	}
	return c
}

// sideBySide calls f for 0 to n-1, several at a time.
func (c *crew) sideBySide(ctx context.Context, n int, f func(i int)) error {
	next := make(chan int)
	var wg sync.WaitGroup
	for k := range c.size {
		if k >= n {
			c.idle <- struct{}{}
			continue
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range next {
				f(i)
			}
			c.idle <- struct{}{}
		}()
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		next <- i
	}
	close(next)
	wg.Wait()
	return ctx.Err()
}

// help has an idle worker do f, and counts him in wg; when there is none, nobody does it.
func (c *crew) help(wg *sync.WaitGroup, f func()) {
	select {
	case <-c.idle:
		wg.Add(1)
		go func() {
			defer wg.Done()
			f()
			c.idle <- struct{}{}
		}()
	default:
	}
}
