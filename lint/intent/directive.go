package intent

import "strings"

// isDirective tells whether a line of a comment is a directive that was commented out, and no prose: it begins with
// the name of a directive and goes on as that directive does.
func isDirective(s string) bool {
	s = strings.TrimLeft(s, "# \t")
	if s == "" {
		return false
	}
	if s[0] == '<' || s[0] == '}' || s == "{" {
		return true
	}
	name, rest, _ := strings.Cut(s, " ")
	if tab := strings.IndexByte(name, '\t'); tab >= 0 {
		name, rest = name[:tab], name[tab+1:]+" "+rest
	}
	rest = strings.TrimSpace(rest)
	first, second, _ := strings.Cut(rest, " ")
	switch strings.ToLower(name) {
	case "rewriterule", "rewritecond", "rewriteengine", "rewritebase", "rewritemap", "rewriteoptions", "errordocument", "directoryindex",
		"setenvif", "setenv", "addtype", "fallbackresource", "redirectmatch", "redirectpermanent", "redirecttemp", "options", "php_value",
		"php_flag", "server_name", "try_files", "proxy_pass", "add_header", "error_page", "include", "root", "listen":
		return rest != ""
	case "redirect":
		second, _, _ = strings.Cut(strings.TrimSpace(second), " ")
		switch strings.ToLower(first) {
		case "permanent", "temp", "seeother", "gone":
			return strings.HasPrefix(second, "/")
		}
		return strings.HasPrefix(first, "/") || isNumber(first) && strings.HasPrefix(second, "/")
	case "return":
		return strings.HasSuffix(rest, ";") || isNumber(first) && (strings.HasPrefix(second, "/") || strings.HasPrefix(second, "http") || strings.HasPrefix(second, "$"))
	case "rewrite":
		return strings.HasPrefix(first, "^") || strings.HasSuffix(rest, ";")
	case "location", "server", "if", "map":
		return strings.HasSuffix(rest, "{") || strings.HasSuffix(rest, "}")
	case "header":
		return strings.EqualFold(first, "set") || strings.EqualFold(first, "always")
	case "server{", "if(", "}":
		return true
	}
	return strings.HasSuffix(s, ";") && strings.HasPrefix(rest, "$")
}

func isNumber(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
