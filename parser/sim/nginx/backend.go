package nginx

import (
	"strings"

	"rewright/parser/pattern"
)

// SetBackend is Backends'.
func (s *simulator) SetBackend(f func(Passed) *Response) { s.backend = f }

// compile makes a pattern of a setting's text: ~re or ~*re.
func (r *request) compile(text string) (*pattern.Regexp, bool) {
	o := pattern.Nginx
	text = strings.TrimPrefix(text, "~")
	if strings.HasPrefix(text, "*") {
		o.IgnoreCase, text = true, text[1:]
	}
	re, err := pattern.Compile(text, o)
	return re, err == nil
}
