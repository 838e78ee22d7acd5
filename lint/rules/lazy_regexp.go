package rules

import (
	"regexp"
	"sync"
)

// lazy is a regular expression that is compiled when it is first asked for: most runs need few of them.
type lazy struct {
	text string
	once sync.Once
	re   *regexp.Regexp
}

func lazyRegexp(text string) *lazy { return &lazy{text: text} }

func (l *lazy) get() *regexp.Regexp {
	l.once.Do(func() { l.re = regexp.MustCompile(l.text) })
	return l.re
}
