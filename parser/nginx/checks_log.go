package nginx

import (
	"fmt"
	"strings"
)

// logChecks follow src/http/modules/ngx_http_log_module.c, src/core/ngx_log.c and the limit modules.
var logChecks = map[string]headCheck{
	"log_format": func(r *reader, cd *ConfigDirective, _ *frame) {
		name := cd.Args[0]
		if r.formats[name.Text] || name.Text == "combined" {
			r.invalid(cd, name, `duplicate "log_format" name "%s"`, name.Text)
			return
		}
		r.formats[name.Text] = true
		for _, w := range cd.Args[1:] {
			if !r.template(cd, w) {
				return
			}
		}
	},
	"access_log": checkAccessLog,
	"error_log": func(r *reader, cd *ConfigDirective, _ *frame) {
		seen := ""
		for _, w := range cd.Args[1:] {
			level := w.Text
			switch level {
			case "debug", "info", "notice", "warn", "error", "crit", "alert", "emerg":
				if seen != "" {
					r.invalid(cd, w, `duplicate log level "%s"`, level)
					return
				}
				seen = level
			case "debug_core", "debug_alloc", "debug_mutex", "debug_event", "debug_http", "debug_mail", "debug_stream":
			default:
				r.invalid(cd, w, `invalid log level "%s"`, level)
				return
			}
		}
	},
	"limit_req":       checkLimitReq,
	"limit_req_zone":  checkZone,
	"limit_conn_zone": checkZone,
	"limit_conn": func(r *reader, cd *ConfigDirective, _ *frame) {
		if n, ok := atoi(cd.Args[1].Text); !ok || n <= 0 {
			r.invalid(cd, cd.Args[1], `invalid number of connections "%s"`, cd.Args[1].Text)
		} else if n > 65535 {
			r.invalid(cd, cd.Args[1], "connection limit must be less 65536")
		}
	},
}

func checkAccessLog(r *reader, cd *ConfigDirective, _ *frame) {
	if cd.Args[0].Text == "off" {
		if len(cd.Args) > 1 {
			r.invalid(cd, cd.Args[1], `invalid parameter "%s"`, cd.Args[1].Text)
		}
		return
	}
	if !strings.HasPrefix(cd.Args[0].Text, "syslog:") && !r.template(cd, cd.Args[0]) {
		return
	}
	if len(cd.Args) == 1 {
		return
	}
	if format := cd.Args[1]; format.Text != "combined" && !r.formats[format.Text] && !r.partial() {
		r.invalid(cd, format, `unknown log format "%s"`, format.Text)
		return
	}
	for _, w := range cd.Args[2:] {
		name, value, valued := strings.Cut(w.Text, "=")
		ok := true
		what := ""
		switch {
		case name == "buffer" && valued:
			_, ok = parseSize(value, false)
			what = fmt.Sprintf(`invalid buffer size "%s"`, value)
		case name == "gzip":
			if valued {
				n, good := atoi(value)
				ok, what = good && n >= 1 && n <= 9, fmt.Sprintf(`invalid compression level "%s"`, value)
			}
		case name == "flush" && valued:
			_, ok = parseTime(value, false)
			what = fmt.Sprintf(`invalid flush time "%s"`, value)
		case name == "if" && valued:
			w.Text = value
			if w.Quote == 0 {
				w.Span.Start += int32(len("if="))
			}
			if !r.template(cd, w) {
				return
			}
		default:
			ok, what = false, fmt.Sprintf(`invalid parameter "%s"`, w.Text)
		}
		if !ok {
			r.invalid(cd, w, "%s", what)
			return
		}
	}
}

func checkLimitReq(r *reader, cd *ConfigDirective, _ *frame) {
	zone := false
	for _, w := range cd.Args {
		name, value, valued := strings.Cut(w.Text, "=")
		switch {
		case name == "zone" && valued:
			zone = true
		case (name == "burst" || name == "delay") && valued:
			if n, ok := atoi(value); !ok || n <= 0 {
				r.invalid(cd, w, `invalid %s value "%s"`, name, w.Text)
				return
			}
		case w.Text == "nodelay":
		default:
			r.invalid(cd, w, `invalid parameter "%s"`, w.Text)
			return
		}
	}
	if !zone {
		r.refuse(cd, cd.Head(), "RD029", "refused-argument", "names no zone", "", `"limit_req" must have "zone" parameter`)
	}
}

// checkZone reads the key, the zone and the rate of limit_req_zone and limit_conn_zone.
func checkZone(r *reader, cd *ConfigDirective, _ *frame) {
	if !r.template(cd, cd.Args[0]) {
		return
	}
	for _, w := range cd.Args[1:] {
		name, value, valued := strings.Cut(w.Text, "=")
		ok, what := valued, "parameter"
		switch name {
		case "zone":
			_, size, sized := strings.Cut(value, ":")
			_, good := parseSize(size, false)
			ok, what = sized && good, "zone size"
		case "rate":
			n := strings.TrimSuffix(strings.TrimSuffix(value, "r/s"), "r/m")
			_, good := atoi(n)
			ok, what = good && cd.Name.Text == "limit_req_zone", "rate"
		case "sync":
		default:
			ok = false
		}
		if !ok {
			r.invalid(cd, w, `invalid %s "%s"`, what, w.Text)
			return
		}
	}
}
