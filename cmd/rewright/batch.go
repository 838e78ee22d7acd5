package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"

	"rewright/parser/sim"
)

// maxRequestLine bounds one line of --requests, in bytes; a longer one is answered with an error.
const maxRequestLine = 16 << 20

// requestsOf opens the file of --requests; "-" is standard input.
func (a *app) requestsOf(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(a.in), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, plainPathError(err)
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, fmt.Errorf("%s: a folder, not a file of requests", name)
	}
	return f, nil
}

// job is one line on its way through the workers.
type job struct {
	line []byte
	err  error
	text []byte
	bad  bool
	done chan struct{}
}

// batch answers each line of in with one line of out, in order, while lines are still coming. Blank lines are
// skipped. bad counts lines that were no request; err is of reading or writing.
func batch(in io.Reader, out io.Writer, answer func(line []byte, err error) (text []byte, bad bool)) (bad int, err error) {
	workers := runtime.GOMAXPROCS(0)
	work, order := make(chan *job, 16*workers), make(chan *job, 16*workers)
	stop := make(chan struct{})
	defer close(stop)
	for range workers {
		go func() {
			for j := range work {
				j.text, j.bad = answer(j.line, j.err)
				close(j.done)
			}
		}()
	}
	var readErr error
	go func() {
		defer close(order)
		defer close(work)
		r := bufio.NewReaderSize(in, 64<<10)
		for {
			line, lineErr, err := readLine(r)
			if len(bytes.TrimSpace(line)) > 0 || lineErr != nil {
				j := &job{line: line, err: lineErr, done: make(chan struct{})}
				select {
				case work <- j:
				case <-stop:
					return
				}
				select {
				case order <- j:
				case <-stop:
					return
				}
			}
			if err != nil {
				if err != io.EOF {
					readErr = err
				}
				return
			}
		}
	}()
	w := bufio.NewWriterSize(out, 64<<10)
	for {
		var j *job
		var ok bool
		select {
		case j, ok = <-order:
		default: // nothing to write at once: let the reader see what there is
			if err := w.Flush(); err != nil {
				return bad, err
			}
			j, ok = <-order
		}
		if !ok {
			break
		}
		<-j.done
		if j.bad {
			bad++
		}
		if _, err := w.Write(j.text); err != nil {
			return bad, err
		}
	}
	if err := w.Flush(); err != nil {
		return bad, err
	}
	return bad, readErr
}

// readLine gives one line without its end, as its own memory. lineErr is set for a line over maxRequestLine.
func readLine(r *bufio.Reader) (line []byte, lineErr, err error) {
	for {
		piece, e := r.ReadSlice('\n')
		if len(line)+len(piece) > maxRequestLine {
			line, lineErr = nil, fmt.Errorf("the line is longer than %d MB", maxRequestLine>>20)
		} else if lineErr == nil {
			line = append(line, piece...)
		}
		if errors.Is(e, bufio.ErrBufferFull) {
			continue
		}
		return line, lineErr, e
	}
}

// safely asks one request; a panic is a broken promise of the simulator and must not take the others along.
func safely(s sim.Simulator, r sim.Request, trace bool) (o sim.Outcome) {
	defer func() {
		if p := recover(); p != nil {
			o = sim.Outcome{Error: fmt.Sprintf("internal error of rewright: %v", p), Unknown: []string{"internal error of rewright"}}
		}
	}()
	return s.Answer(r, trace)
}

// remembered asks a file system about each path once: all requests of a batch are asked in one world.
type remembered struct {
	sim.FileSystem
	mu    sync.RWMutex
	known map[string]fileAnswer
}

type fileAnswer struct {
	info sim.FileInfo
	ok   bool
}

// maxRemembered bounds how many paths are remembered; others are asked each time.
const maxRemembered = 200_000

func (r *remembered) Stat(path string) (sim.FileInfo, bool) {
	r.mu.RLock()
	a, ok := r.known[path]
	r.mu.RUnlock()
	if ok {
		return a.info, a.ok
	}
	info, known := r.FileSystem.Stat(path)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = map[string]fileAnswer{}
	}
	if len(r.known) < maxRemembered {
		r.known[strings.Clone(path)] = fileAnswer{info, known}
	}
	return info, known
}
