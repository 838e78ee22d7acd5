package rules

import (
	"fmt"

	"rewright/parser/ir"
)

// What each status promises, as messages say it. Source: RFC 9110 §15.1 and §15.4, RFC 7538.

// stays says how long a status lasts, of the redirect that sends it.
func stays(status int) string {
	if permanent(status) {
		return "browsers and caches keep it for good"
	}
	return "it counts for now: caches do not keep it and search engines go on showing the old address"
}

// brokenPromise says what goes wrong when sent is sent and said was meant.
func brokenPromise(sent, said int) string {
	var last string
	switch {
	case permanent(sent) && !permanent(said):
		last = "browsers will keep this redirect for good"
	case !permanent(sent) && permanent(said):
		last = "search engines go on showing the old address and nothing is cached"
	}
	var method string
	switch {
	case keepsMethod(said) && !keepsMethod(sent) && sent == 303:
		method = "turn every POST into GET"
	case keepsMethod(said) && !keepsMethod(sent):
		method = "turn POST into GET"
	case keepsMethod(sent) && said == 303:
		method = "a form is sent again instead of its result being fetched"
	case keepsMethod(sent) && !keepsMethod(said):
		method = "a POST is sent again with its body"
	case sent == 303:
		method = "every method but HEAD becomes GET"
	case said == 303:
		method = "clients other than browsers may send a POST again"
	}
	switch {
	case last == "" && method == "":
		return "the two do not promise the same"
	case last == "":
		if method == "turn POST into GET" || method == "turn every POST into GET" {
			return "browsers " + method
		}
		return method
	case method == "":
		return last
	case permanent(sent) && method == "turn POST into GET":
		return last + " and turn POST into GET"
	case method == "turn POST into GET" || method == "turn every POST into GET":
		return last + ", and browsers " + method
	}
	return last + ", and " + method
}

// named is a status with its name: "307 (temporary, method kept)".
func named(status int) string {
	text := map[int]string{301: "permanent", 302: "temporary", 303: "fetch with GET", 307: "temporary, keeps the method",
		308: "permanent, keeps the method"}[status]
	if text == "" {
		return fmt.Sprint(status)
	}
	return fmt.Sprintf("%d (%s)", status, text)
}

// twin is the status of the other duration with the same treatment of methods.
func twin(status int) int {
	switch status {
	case 301, 303:
		if status == 303 {
			return 301
		}
		return 302
	case 302:
		return 301
	case 307:
		return 308
	case 308:
		return 307
	}
	return status
}

// keeper is the status that lasts as long and keeps the method.
func keeper(status int) int {
	if permanent(status) {
		return 308
	}
	return 307
}

// directiveName is the directive of a rule in messages.
func directiveName(r *ir.Rule) string { return string(r.Keyword) }
