package httpd

import "strings"

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
