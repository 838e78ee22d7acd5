package probe

import (
	"slices"
	"strings"
)

// canonical writes a header's name as people do: Accept-Language.
func canonical(name string) string {
	parts := strings.Split(strings.ToLower(name), "-")
	for i, p := range parts {
		if p != "" {
			parts[i] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "-")
}

func sortHeaders(list [][2]string) {
	slices.SortFunc(list, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
}
