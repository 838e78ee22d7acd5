package nginx

import (
	"net/http"
	"time"

	"rewright/parser/sim"
)

// filterHeaders applies add_header and expires. Source: nginx src/http/modules/ngx_http_headers_filter_module.c.
func (r *request) filterHeaders() {
	l := r.conf
	safe := false
	switch r.status {
	case 200, 201, 204, 206, 301, 302, 303, 304, 307, 308:
		safe = true
	}
	if l.expires != nil && safe {
		r.setExpires(l.expires)
	}
	for i := range l.headers {
		h := &l.headers[i]
		if !safe && !h.always {
			continue
		}
		v := r.eval(h.value, evalValue, false)
		if r.trace {
			r.note(sim.Step{Kind: sim.StepSet, Origin: h.origin, Name: "add_header", Input: h.name, Result: v.s, Note: v.why})
		}
		if equalFold(h.name, "Last-Modified") || equalFold(h.name, "ETag") {
			r.replaceHeader(h.name, v)
			continue
		}
		if v.s != "" || v.why != "" {
			r.sent = append(r.sent, sentHeader{h.name, v})
		}
	}
}

// replaceHeader sets a header that a response has once; an empty value takes it away.
func (r *request) replaceHeader(name string, v text) {
	kept := r.sent[:0:0]
	for _, h := range r.sent {
		if !equalFold(h.name, name) {
			kept = append(kept, h)
		}
	}
	if v.s != "" || v.why != "" {
		kept = append(kept, sentHeader{name, v})
	}
	r.sent = kept
}

// setExpires sets Expires and Cache-Control. Source: ngx_http_set_expires.
func (r *request) setExpires(e *expires) {
	v := r.eval(e.value, evalValue, false)
	if r.trace {
		r.note(sim.Step{Kind: sim.StepSet, Origin: e.origin, Name: "expires", Result: v.s, Note: v.why})
	}
	add := func(date, control text) {
		r.sent = append(r.sent, sentHeader{"Expires", date}, sentHeader{"Cache-Control", control})
	}
	if v.why != "" {
		add(v, v)
		return
	}
	if !e.modified {
		switch v.s {
		case "epoch":
			add(text{s: "Thu, 01 Jan 1970 00:00:01 GMT"}, text{s: "no-cache"})
			return
		case "max":
			add(text{s: "Thu, 31 Dec 2037 23:55:55 GMT"}, text{s: "max-age=315360000"})
			return
		case "off":
			return
		}
	}
	s, minus, daily := v.s, false, false
	switch {
	case s == "":
	case s[0] == '@':
		s, daily = s[1:], true
	case s[0] == '+':
		s = s[1:]
	case s[0] == '-':
		s, minus = s[1:], true
	}
	seconds, ok := parseTime(s)
	if !ok {
		return
	}
	clock := r.s.world.Time
	noClock := text{why: "the time is not known"}
	switch {
	case daily:
		add(text{why: "the time of day is not known"}, text{why: "the time of day is not known"})
		return
	case e.modified && r.out.File != "":
		w := text{why: "when the file was modified is not known"}
		if minus {
			add(w, text{s: "no-cache"})
		} else {
			add(w, w)
		}
		return
	}
	if minus {
		seconds = -seconds
	}
	date := noClock
	if !clock.IsZero() {
		date = text{s: clock.Add(time.Duration(seconds) * time.Second).UTC().Format(http.TimeFormat)}
	}
	if seconds < 0 {
		add(date, text{s: "no-cache"})
		return
	}
	add(date, text{s: "max-age=" + itoa(seconds)})
}

// parseTime reads nginx's time syntax in seconds: "1h 30m", "10d", "30". Source: nginx src/core/ngx_parse.c, ngx_parse_time.
func parseTime(s string) (int64, bool) {
	units := []struct {
		unit    byte
		seconds int64
	}{{'y', 365 * 86400}, {'M', 30 * 86400}, {'w', 7 * 86400}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}
	var total, n int64
	digits, done, next := false, false, 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if '0' <= c && c <= '9' {
			if done {
				return 0, false
			}
			if n = n*10 + int64(c-'0'); n > 1<<31 {
				return 0, false
			}
			digits = true
			continue
		}
		if c == ' ' && !digits {
			continue
		}
		if !digits {
			return 0, false
		}
		found := false
		for j := next; j < len(units); j++ {
			if units[j].unit == c || c == ' ' && units[j].unit == 's' {
				total += n * units[j].seconds
				next, found = j+1, true
				done = units[j].unit == 's'
				break
			}
		}
		if !found {
			return 0, false
		}
		n, digits = 0, false
	}
	if s == "" {
		return 0, false
	}
	return total + n, true
}
