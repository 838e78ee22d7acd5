package httpd

// Merging of configurations, from the host down to the directory.

import "rewright/parser/ir"

// merge lays a layer over a configuration.
func (c *dirConf) merge(l *layer) {
	c.layers = append(c.layers[:len(c.layers):len(c.layers)], l)
	if l.rewrite {
		c.mergeRewrite(l)
	}
	switch {
	case len(c.redirects) == 0:
		c.redirects, c.redirectsIndex = l.redirects, l.redirectsIndex
	case len(l.redirects) > 0:
		c.redirects, c.redirectsIndex = append(append([]*ir.Rule{}, l.redirects...), c.redirects...), nil
	}
	if l.unconditional != nil {
		c.unconditional = l.unconditional
	}
	if l.relative != nil {
		c.relative = *l.relative
	}
	c.requires = mergeRequires(c.requires, l)
	if l.access != nil {
		c.access = l.access
	}
	if l.authType != "" {
		c.authType = l.authType
	}
	if l.indexSet {
		c.index = l.index
	}
	if l.slash != nil {
		c.slash = *l.slash
	}
	if l.checkHandler != nil {
		c.checkHandler = *l.checkHandler
	}
	if l.indexRedirect != 0 {
		c.indexRedirect = l.indexRedirect
	}
	if l.fallback != nil {
		c.fallback = *l.fallback
	}
	if len(l.errorDocs) > 0 {
		m := map[int]*ir.Setting{}
		for k, v := range c.errorDocs {
			m[k] = v
		}
		for k, v := range l.errorDocs {
			m[k] = v
		}
		c.errorDocs = m
	}
	if l.optSet {
		if l.optAll {
			c.opts = 0
		}
		c.opts = c.opts&^l.optOff | l.optOn
	}
	if l.override != nil {
		c.override = l.override
	}
	if l.handler != nil {
		c.handler = *l.handler
	}
	if l.forceType != nil {
		c.forceType = *l.forceType
	}
	c.charset = c.charset || l.charset
	if l.acceptPath != "" {
		c.acceptPath = l.acceptPath
	}
	for _, o := range l.opaque {
		c.unknown = append(c.unknown[:len(c.unknown):len(c.unknown)], o.Name+" is not modelled")
	}
}

// mergeRewrite is mod_rewrite's config_perdir_merge.
func (c *dirConf) mergeRewrite(l *layer) {
	base := *c
	if l.engine != nil {
		c.engine = *l.engine
	}
	if l.optionsSet {
		c.options, c.optionsSet = l.options, true
	}
	if c.options.mergeBase {
		if l.base != nil {
			c.base = l.base
		}
	} else {
		c.base = l.base
	}
	c.dir, c.dirKnown, c.rulesIndex = l.dir, true, nil
	o := c.options
	switch {
	case o.inherit || base.options.inheritDown && !o.ignoreInherit:
		c.rules = append(append([]*ir.Rule{}, l.rules...), base.rules...)
	case o.inheritBefore || base.options.inheritDownBefore && !o.ignoreInherit:
		c.rules = append(append([]*ir.Rule{}, base.rules...), l.rules...)
	default:
		c.rules, c.rulesIndex = l.rules, l.rulesIndex
	}
}
