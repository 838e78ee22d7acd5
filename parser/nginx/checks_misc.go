package nginx

import (
	"fmt"
	"strings"
)

// miscChecks are of directives that decide little about requests, but can keep nginx from starting.
var miscChecks = map[string]headCheck{
	"proxy_bind": checkBind, "fastcgi_bind": checkBind, "uwsgi_bind": checkBind, "scgi_bind": checkBind,
	"grpc_bind": checkBind, "memcached_bind": checkBind,
	"proxy_store_access": checkStoreAccess, "fastcgi_store_access": checkStoreAccess, "uwsgi_store_access": checkStoreAccess,
	"scgi_store_access": checkStoreAccess, "dav_access": checkStoreAccess,
	"proxy_temp_path": checkTempPath, "fastcgi_temp_path": checkTempPath, "uwsgi_temp_path": checkTempPath,
	"scgi_temp_path": checkTempPath, "client_body_temp_path": checkTempPath,
	"proxy_cookie_path": checkCookie, "proxy_cookie_domain": checkCookie,
	"proxy_cache_path": checkCachePath, "fastcgi_cache_path": checkCachePath, "uwsgi_cache_path": checkCachePath, "scgi_cache_path": checkCachePath,
	"proxy_store": checkStore, "fastcgi_store": checkStore, "uwsgi_store": checkStore, "scgi_store": checkStore,
	"proxy_cache": checkCache, "fastcgi_cache": checkCache, "uwsgi_cache": checkCache, "scgi_cache": checkCache,
	"open_file_cache": checkOpenFileCache, "open_log_file_cache": checkOpenFileCache,
	"gzip_window": checkPower(32 << 10), "gzip_hash": checkPower(128 << 10),
	"proxy_cookie_flags": func(r *reader, cd *ConfigDirective, _ *frame) {
		if w := cd.Args[0]; len(cd.Args) == 1 && w.Text != "off" {
			r.invalid(cd, w, `invalid parameter "%s"`, w.Text)
			return
		}
		for _, w := range cd.Args {
			if !r.template(cd, w) {
				return
			}
		}
	},
	"userid_mark": func(r *reader, cd *ConfigDirective, _ *frame) {
		t := cd.Args[0].Text
		if t != "off" && (len(t) != 1 || t != "=" && (!isNameByte(t[0]) || t == "_")) {
			r.invalidValue(cd, cd.Args[0], `value must be "off" or a single letter, digit or "="`)
		}
	},
	"directio": func(r *reader, cd *ConfigDirective, fr *frame) {
		if r.repeated(cd, fr) || cd.Args[0].Text == "off" {
			return
		}
		if _, ok := parseSize(cd.Args[0].Text, true); !ok {
			r.invalidValue(cd, cd.Args[0], "invalid value")
		}
	},
	"proxy_set_body": checkLateTemplate,
	"userid_expires": func(r *reader, cd *ConfigDirective, _ *frame) {
		t := cd.Args[0].Text
		if _, ok := parseTime(t, true); !ok && t != "max" && t != "off" {
			r.invalidValue(cd, cd.Args[0], "invalid value")
		}
	},
	"disable_symlinks": func(r *reader, cd *ConfigDirective, _ *frame) {
		for _, w := range cd.Args {
			switch {
			case w.Text == "on" || w.Text == "off" || w.Text == "if_not_owner":
			case strings.HasPrefix(w.Text, "from="):
				if !r.template(cd, w) {
					return
				}
			default:
				r.invalid(cd, w, `invalid parameter "%s"`, w.Text)
				return
			}
		}
	},
	"modern_browser": func(r *reader, cd *ConfigDirective, _ *frame) {
		switch w := cd.Args[0]; w.Text {
		case "msie", "gecko", "opera", "safari", "konqueror", "unlisted":
		default:
			if len(cd.Args) == 2 {
				r.invalid(cd, w, `unknown browser name "%s"`, w.Text)
			}
		}
	},
	"ssl_ocsp_cache": func(r *reader, cd *ConfigDirective, _ *frame) {
		w := cd.Args[0]
		parts := strings.Split(w.Text, ":")
		ok := w.Text == "off"
		if len(parts) == 3 && parts[0] == "shared" && parts[1] != "" {
			_, ok = parseSize(parts[2], false)
		}
		if !ok {
			r.invalid(cd, w, `invalid OCSP cache "%s"`, w.Text)
		}
	},
}

// checkBind follows src/http/ngx_http_upstream.c, ngx_http_upstream_bind_set_slot.
func checkBind(r *reader, cd *ConfigDirective, fr *frame) {
	if r.repeated(cd, fr) {
		return
	}
	w := cd.Args[0]
	if len(cd.Args) == 1 && w.Text == "off" {
		return
	}
	if strings.Contains(w.Text, "$") {
		if !r.template(cd, w) {
			return
		}
	} else if u, fault := parseURL(w.Text, false, false); fault != "" || u.unix != "" || !u.six && !isIPv4(u.host) {
		if _, six := parseIPv6(w.Text); !six {
			r.invalid(cd, w, `invalid address "%s"`, w.Text)
			return
		}
	}
	if len(cd.Args) == 2 && cd.Args[1].Text != "transparent" {
		r.invalid(cd, cd.Args[1], `invalid parameter "%s"`, cd.Args[1].Text)
	}
}

func isIPv4(s string) bool { _, ok := parseIPv4(s); return ok }

// checkStoreAccess follows src/core/ngx_file.c, ngx_conf_set_access_slot.
func checkStoreAccess(r *reader, cd *ConfigDirective, fr *frame) {
	if r.repeated(cd, fr) {
		return
	}
	for _, w := range cd.Args {
		who, rights, _ := strings.Cut(w.Text, ":")
		if (who != "user" && who != "group" && who != "all") || rights != "rw" && rights != "r" {
			r.invalid(cd, w, `invalid value "%s"`, w.Text)
			return
		}
	}
}

// checkTempPath follows src/core/ngx_file.c, ngx_conf_set_path_slot.
func checkTempPath(r *reader, cd *ConfigDirective, fr *frame) {
	if r.repeated(cd, fr) {
		return
	}
	for _, w := range cd.Args[1:] {
		if n, ok := atoi(w.Text); !ok || n == 0 {
			r.invalidValue(cd, w, "invalid value")
			return
		}
	}
}

func checkCookie(r *reader, cd *ConfigDirective, _ *frame) {
	w := cd.Args[0]
	if len(cd.Args) == 1 {
		if w.Text != "off" {
			r.invalid(cd, w, `invalid parameter "%s"`, w.Text)
		}
		return
	}
	if strings.HasPrefix(w.Text, "~") {
		ci := cd.Name.Text == "proxy_cookie_domain"
		text := w.Text[1:]
		if !ci && strings.HasPrefix(text, "*") {
			ci, text = true, text[1:]
		}
		if _, ok := r.regex(cd, text, w, ci, true); !ok {
			return
		}
	} else if !r.template(cd, w) {
		return
	}
	r.template(cd, cd.Args[1])
}

// checkCachePath follows src/http/ngx_http_file_cache.c, ngx_http_file_cache_set_slot.
func checkCachePath(r *reader, cd *ConfigDirective, _ *frame) {
	zone := false
	for _, w := range cd.Args[1:] {
		name, _, valued := strings.Cut(w.Text, "=")
		switch name {
		case "levels", "use_temp_path", "inactive", "max_size", "min_free", "loader_files", "loader_sleep", "loader_threshold",
			"manager_files", "manager_sleep", "manager_threshold":
		case "keys_zone":
			zone = true
		default:
			valued = false
		}
		if !valued {
			r.invalid(cd, w, `invalid parameter "%s"`, w.Text)
			return
		}
	}
	if !zone {
		r.refuse(cd, cd.Head(), "RD029", "refused-argument", "names no keys_zone", "", fmt.Sprintf(`"%s" must have "keys_zone" parameter`, cd.Name.Text))
	}
}

func checkStore(r *reader, cd *ConfigDirective, fr *frame) {
	if !r.repeated(cd, fr) {
		r.template(cd, cd.Args[0])
	}
}

// checkCache reads the name of a cache zone; value has looked for a repetition already.
func checkCache(r *reader, cd *ConfigDirective, _ *frame) { r.template(cd, cd.Args[0]) }

func checkOpenFileCache(r *reader, cd *ConfigDirective, fr *frame) {
	if r.repeated(cd, fr) {
		return
	}
	most := false
	for _, w := range cd.Args {
		name, value, _ := strings.Cut(w.Text, "=")
		ok := false
		switch {
		case name == "max":
			n, good := atoi(value)
			ok, most = good && n > 0, true
		case name == "inactive" || name == "valid" && cd.Name.Text == "open_log_file_cache":
			_, ok = parseTime(value, true)
		case name == "min_uses" && cd.Name.Text == "open_log_file_cache":
			n, good := atoi(value)
			ok = good && n > 0
		case w.Text == "off":
			ok, most = true, true
		}
		if !ok {
			r.invalid(cd, w, `invalid "%s" parameter "%s"`, cd.Name.Text, w.Text)
			return
		}
	}
	if !most {
		r.refuse(cd, cd.Head(), "RD029", "refused-argument", "needs max=", "", fmt.Sprintf(`"%s" must have the "max" parameter`, cd.Name.Text))
	}
}

// checkPower takes a power of two from 512 bytes to most.
func checkPower(most int) headCheck {
	return func(r *reader, cd *ConfigDirective, _ *frame) {
		n, _ := parseSize(cd.Args[0].Text, false)
		for size := 512; size <= most; size *= 2 {
			if n == size {
				return
			}
		}
		list := "512, 1k, 2k, 4k, 8k, 16k, or 32k"
		if most > 32<<10 {
			list = "512, 1k, 2k, 4k, 8k, 16k, 32k, 64k, or 128k"
		}
		r.invalidValue(cd, cd.Args[0], "must be "+list)
	}
}
