package nginx

import (
	"slices"
	"sync"
)

// Names are the names of all directives of the table, of all releases and modules, sorted.
func Names() []string { return directiveNames() }

var directiveNames = sync.OnceValue(func() []string {
	table := directiveTable()
	names := make([]string, 0, len(table))
	for name := range table {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
})
