package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/ir"
)

// volatile finds a condition of a redirect on what differs from one visitor to the next (E7): language, browser, cookie,
// referrer, address. Conditions that only let some through say nothing, nor do alternatives to others that hold for all.
func volatile(r *redirect) (c *ir.Condition, name string) {
	for _, s := range r.scopes {
		if s.If != nil && !s.If.Negated {
			if name := volatileName(s.If); name != "" {
				return s.If, name
			}
		}
	}
	for _, group := range r.rule.CNF() {
		if group[len(group)-1].Or {
			continue // the group always holds
		}
		var found *ir.Condition
		for _, c := range group {
			n := volatileName(c)
			if n == "" || c.Negated {
				found = nil
				break
			}
			if found == nil {
				found, name = c, n
			}
		}
		if found != nil {
			return found, name
		}
	}
	return nil, ""
}

// volatileAny tells whether any condition, also one that excludes, is on what differs from one visitor to the next.
func volatileAny(r *redirect) bool {
	for _, c := range r.conditions() {
		if volatileName(c) != "" {
			return true
		}
	}
	return false
}

// volatileName names what a condition tests, when that differs from one visitor to the next.
func volatileName(c *ir.Condition) string {
	if c.Test == nil || c.Kind == ir.CondFile {
		return ""
	}
	for i := range c.Test.Parts {
		p := &c.Test.Parts[i]
		if p.Kind != ir.Variable {
			continue
		}
		if p.Space == "" && (p.Name == "HTTP_ACCEPT_LANGUAGE" || p.Name == "HTTP_X_FORWARDED_FOR") {
			continue // httpd knows no such variable: it is always empty
		}
		name := strings.ToLower(p.Name)
		if p.Space == "HTTP" {
			name = "http_" + strings.ReplaceAll(name, "-", "_")
		} else if p.Space != "" && p.Space != "GEOIP" {
			continue
		}
		switch {
		case name == "http_accept":
			return "Accept"
		case name == "http_accept_language":
			return "Accept-Language"
		case name == "http_user_agent":
			return "User-Agent"
		case name == "http_cookie", strings.HasPrefix(name, "cookie_"):
			return "the cookie"
		case name == "http_referer":
			return "the referrer"
		case name == "remote_addr", name == "remote_host", name == "binary_remote_addr", name == "http_x_forwarded_for":
			return "the address of the client"
		case strings.HasPrefix(name, "geoip"):
			return "the country of the client"
		}
	}
	return ""
}

// varies tells whether the section sends Vary or forbids caching with its redirects, or one around it does.
func varies(u *lint.Unit, r *redirect) bool {
	for _, s := range r.scopes {
		for _, set := range settingsOf(u, s) {
			header, value := "", ""
			switch {
			case strings.EqualFold(set.Name, "Header") && strings.EqualFold(set.Arg(0), "always") && len(set.Args) >= 4:
				header, value = set.Arg(2), set.Arg(3)
			case set.Name == "add_header" && len(set.Args) >= 2:
				header, value = set.Arg(0), set.Arg(1)
			}
			value = strings.ToLower(value)
			if strings.EqualFold(header, "Vary") || strings.EqualFold(header, "Cache-Control") && (strings.Contains(value, "private") ||
				strings.Contains(value, "no-store") || strings.Contains(value, "no-cache") || strings.Contains(value, "max-age=0")) {
				return true
			}
		}
	}
	return false
}
