package httpd

import (
	"strings"

	"rewright/parser/ir"
)

// overrideClasses are the classes of AllowOverride that directives of .htaccess files belong to, by directive in lower
// case; one that is not named here belongs to FileInfo. Source: the command tables of httpd 2.4.71's modules, as in
// parser/apache; a test compares them.
var overrideClasses = func() map[string][]string {
	m := map[string][]string{}
	for _, line := range [...]struct{ classes, names string }{
		{"authconfig", `anonymous anonymous_logemail anonymous_mustgiveemail anonymous_nouserid anonymous_verifyemail
			authbasicauthoritative authbasicfake authbasicprovider authbasicusedigestalgorithm authdbmgroupfile
			authdbmtype authdbmuserfile authdigestalgorithm authdigestdomain authdigestnccheck
			authdigestnoncelifetime authdigestprovider authdigestqop authformauthoritative authformbody
			authformdisablenostore authformfakebasicauth authformlocation authformloginrequiredlocation
			authformloginsuccesslocation authformlogoutlocation authformmethod authformmimetype authformpassword
			authformprovider authformsitepassphrase authformusername authgroupfile authldapauthorizeprefix
			authldapbindauthoritative authldapbinddn authldapbindpassword authldapcompareasuser
			authldapcomparednonserver authldapdereferencealiases authldapgroupattribute
			authldapgroupattributeisdn authldapinitialbindasuser authldapinitialbindpattern
			authldapmaxsubgroupdepth authldapremoteuserattribute authldapremoteuserisdn authldapsearchasuser
			authldapsubgroupattribute authldapsubgroupclass authldapurl authmerging authname
			authncacheprovidefor authncachetimeout authtype authuserfile authzdbmtype
			authzsendforbiddenonfailure cgipassauth h2push h2upgrade ldapreferralhoplimit ldapreferrals
			ldaptrustedclientcert mdrequirehttps require satisfy session sessioncookiename sessioncookiename2
			sessioncookieremove sessioncryptocipher sessioncryptopassphrase sessiondbdcookiename
			sessiondbdcookiename2 sessiondbdcookieremove sessiondbddeletelabel sessiondbdinsertlabel
			sessiondbdperuser sessiondbdselectlabel sessiondbdupdatelabel sessionenv sessionexclude
			sessionexpiryupdateinterval sessionheader sessioninclude sessionmaxage sslcacertificatefile
			sslcacertificatepath sslciphersuite sslrenegbuffersize sslrequire sslrequiressl sslusername
			sslverifyclient sslverifydepth`},
		{"fileinfo,authconfig", `h2earlyhint h2pushresource`},
		{"indexes", `addalt addaltbyencoding addaltbytype adddescription addicon addiconbyencoding addiconbytype
			defaulticon directorycheckhandler directoryindex directoryindexredirect directoryslash expiresactive
			expiresbytype expiresdefault fallbackresource headername imapbase imapdefault imapmenu
			indexheadinsert indexignore indexignorereset indexoptions indexorderdefault indexstylesheet metadir
			metafiles metasuffix readmename`},
		{"limit", `allow deny order ssietag ssilastmodified ssilegacyexprparser`},
		{"limit,options,fileinfo,authconfig,indexes", `deflateinflatelimitrequestbody deflateinflateratioburst deflateinflateratiolimit error fancyindexing
			limitrequestbody limitxmlrequestbody logiotrackttfb lua_____bytecodehack luacodecache
			luahookaccesschecker luahookauthchecker luahookcheckuserid luahookfixups luahookinsertfilter
			luahooklog luahookmaptostorage luahookpretranslatename luahooktranslatename luahooktypechecker
			luainherit luainputfilter luamaphandler luaoutputfilter luapackagecpath luapackagepath
			luaquickhandler luaroot luascope macroignorebadnesting macroignoreemptyargs rlimitcpu rlimitmem
			rlimitnproc serversignature ssierrormsg ssitimeformat ssiundefinedecho ssllog sslloglevel undefmacro
			use xml2encdefault xml2startparse`},
		{"options", `checkbasenamematch checkcaseonly checkspelling contentdigest filterchain filterdeclare
			filterprotocol filterprovider options reflectorheader ssloptions xbithack`},
	} {
		for _, name := range strings.Fields(line.names) {
			m[name] = strings.Split(line.classes, ",")
		}
	}
	return m
}()

// allows tells whether a .htaccess under this AllowOverride may have a directive.
func (o *overrides) allows(name string) bool {
	if o.classes["all"] {
		return true
	}
	classes := overrideClasses[strings.ToLower(name)]
	if classes == nil {
		return o.classes["fileinfo"]
	}
	for _, c := range classes {
		if o.classes[c] {
			return true
		}
	}
	return false
}

// read takes in AllowOverride or AllowOverrideList.
func (o *overrides) read(it *ir.Setting) {
	if strings.EqualFold(it.Name, "AllowOverrideList") {
		o.listSet = true
		for _, a := range it.Args {
			if !strings.EqualFold(a.Text, "none") {
				o.list[strings.ToLower(a.Text)] = true
			}
		}
		return
	}
	o.classes = map[string]bool{}
	for _, a := range it.Args {
		w := strings.ToLower(a.Text)
		name, _, _ := strings.Cut(w, "=")
		switch name {
		case "none":
			o.none = true
		case "nonfatal":
			o.nonfatal = true
		default:
			o.classes[name] = true
		}
	}
	if len(o.classes) > 0 {
		o.none = false
	}
}

// NotAllowed gives the items of a .htaccess that AllowOverride and AllowOverrideList of the <Directory> sections around
// it do not let it say. fatal tells that httpd answers 500 below its folder because of them; else they are left out.
// Sections that say nothing about it leave it everything. Source: httpd server/config.c, invoke_cmd.
func NotAllowed(htaccess *ir.Scope, around []*ir.Scope) (list []ir.Item, fatal bool) {
	o := &overrides{list: map[string]bool{}}
	said := false
	for _, s := range around {
		for _, it := range s.Items {
			if set, ok := it.(*ir.Setting); ok && (strings.EqualFold(set.Name, "AllowOverride") || strings.EqualFold(set.Name, "AllowOverrideList")) {
				o.read(set)
				said = true
			}
		}
	}
	if !said {
		return nil, false
	}
	for _, it := range htaccess.Items {
		if name := itemName(it); name != "" && !o.allows(name) && !o.list[strings.ToLower(name)] {
			list = append(list, it)
		}
	}
	return list, len(list) > 0 && !o.nonfatal
}
