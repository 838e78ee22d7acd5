package pattern

import (
	"strings"
	"sync"
	"unicode"
)

// property reads what follows \p or \P. Bytes are taken as code points U+0000 to U+00FF.
func (p *parser) property(class *Class) Code {
	if !p.more() {
		return 46
	}
	c := p.at(0)
	p.pos++
	var name string
	switch {
	case c == '{':
		if !p.more() {
			return 46
		}
		if p.at(0) == '^' {
			class.Negated = !class.Negated
			p.pos++
		}
		for i := 0; i < 49 && c != '}'; i++ { // 49 is the room in the library's buffer
			for c = '_'; c == '_' || c == '-' || isSpace(c); p.pos++ {
				if !p.more() {
					return 46
				}
				c = p.at(0)
			}
			if c == 0 {
				return 46
			}
			if c != '}' {
				name += lower(string([]byte{c}))
			}
		}
		if c != '}' {
			return 46
		}
	case isLetter(c):
		name = string([]byte{c | 0x20})
	default:
		return 46
	}
	set, known, ok := propertySet(name)
	if !ok {
		return 47
	}
	class.Set, class.unknown = set, !known
	if class.Negated {
		class.Set = set.Not()
	}
	return 0
}

// propertySet gives the bytes of a property. Without known the name is one the library accepts, but its bytes
// are not held here; without ok the library refuses it.
func propertySet(name string) (set ByteSet, known, ok bool) {
	switch name {
	case "any":
		return allBytes, true, true
	case "l&", "lc":
		return categories("Lu", "Ll", "Lt"), true, true
	case "xan":
		return categories("L", "N"), true, true
	case "xwd":
		s := categories("L", "N")
		s.Add('_')
		return s, true, true
	case "xsp", "xps":
		return setOf("\t\r  \x85\x85\xa0\xa0"), true, true
	case "xuc":
		return setOf("$$@@``\xa0\xff"), true, true
	}
	if i := strings.IndexAny(name, ":="); i >= 0 {
		switch name[:i] {
		case "bidiclass", "bc":
			return ByteSet{}, false, otherProperties()["bidi"+name[i+1:]]
		case "script", "sc", "scriptextensions", "scx":
			return ByteSet{}, false, scripts()[name[i+1:]]
		}
		return ByteSet{}, false, false
	}
	if len(name) == 1 || len(name) == 2 {
		name := strings.ToUpper(name[:1]) + name[1:]
		if _, ok := unicode.Categories[name]; ok {
			return categories(name), true, true
		}
		return ByteSet{}, false, name == "Cn" || scripts()[lower(name)] || otherProperties()[lower(name)]
	}
	return ByteSet{}, false, scripts()[name] || otherProperties()[name]
}

// categories is the union of Unicode categories within U+0000 to U+00FF.
func categories(names ...string) ByteSet {
	var s ByteSet
	for _, name := range names {
		for c := rune(0); c < 256; c++ {
			if unicode.Is(unicode.Categories[name], c) {
				s.Add(byte(c))
			}
		}
	}
	return s
}

func words(s string) map[string]bool {
	m := make(map[string]bool)
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// Names without their bytes, so that a wrong one is refused as the library does.
// Source: PCRE2 10.42, src/pcre2_ucptables.c.
var (
	scripts         = sync.OnceValue(func() map[string]bool { return words(scriptNames) })
	otherProperties = sync.OnceValue(func() map[string]bool { return words(otherNames) })
)

const scriptNames = "adlam adlm aghb ahom anatolianhieroglyphs arab arabic armenian armi armn avestan avst bali balinese bamu bamum " +
	"bass bassavah batak batk beng bengali bhaiksuki bhks bopo bopomofo brah brahmi brai braille bugi buginese buhd " +
	"buhid cakm canadianaboriginal cans cari carian caucasianalbanian chakma cham cher cherokee chorasmian chrs " +
	"common copt coptic cpmn cprt cuneiform cypriot cyprominoan cyrillic cyrl deseret deva devanagari diak " +
	"divesakuru dogr dogra dsrt dupl duployan egyp egyptianhieroglyphs elba elbasan elym elymaic ethi ethiopic geor " +
	"georgian glag glagolitic gong gonm goth gothic gran grantha greek grek gujarati gujr gunjalagondi gurmukhi " +
	"guru han hang hangul hani hanifirohingya hano hanunoo hatr hatran hebr hebrew hira hiragana hluw hmng hmnp " +
	"hung imperialaramaic inherited inscriptionalpahlavi inscriptionalparthian ital java javanese kaithi kali kana " +
	"kannada katakana kayahli khar kharoshthi khitansmallscript khmer khmr khoj khojki khudawadi kits knda kthi " +
	"lana lao laoo latin latn lepc lepcha limb limbu lina linb lineara linearb lisu lyci lycian lydi lydian " +
	"mahajani mahj maka makasar malayalam mand mandaic mani manichaean marc marchen masaramgondi medefaidrin medf " +
	"meeteimayek mend mendekikakui merc mero meroiticcursive meroitichieroglyphs miao mlym modi mong mongolian mro " +
	"mroo mtei mult multani myanmar mymr nabataean nand nandinagari narb nbat newa newtailue nko nkoo nshu nushu " +
	"nyiakengpuachuehmong ogam ogham olchiki olck oldhungarian olditalic oldnortharabian oldpermic oldpersian " +
	"oldsogdian oldsoutharabian oldturkic olduyghur oriya orkh orya osage osge osma osmanya ougr pahawhhmong palm " +
	"palmyrene pauc paucinhau perm phag phagspa phli phlp phnx phoenician plrd prti psalterpahlavi qaac qaai rejang " +
	"rjng rohg runic runr samaritan samr sarb saur saurashtra sgnw sharada shavian shaw shrd sidd siddham " +
	"signwriting sind sinh sinhala sogd sogdian sogo sora sorasompeng soyo soyombo sund sundanese sylo sylotinagri " +
	"syrc syriac tagalog tagb tagbanwa taile taitham taiviet takr takri tale talu tamil taml tang tangsa tangut " +
	"tavt telu telugu tfng tglg thaa thaana thai tibetan tibt tifinagh tirh tirhuta tnsa toto ugar ugaritic unknown " +
	"vai vaii vith vithkuqi wancho wara warangciti wcho xpeo xsux yezi yezidi yi yiii zanabazarsquare zanb zinh " +
	"zyyy zzzz "

const otherNames = "ahex alpha alphabetic ascii asciihexdigit bidial bidian bidib bidibn bidic bidicontrol bidics bidien bidies " +
	"bidiet bidifsi bidil bidilre bidilri bidilro bidim bidimirrored bidinsm bidion bidipdf bidipdi bidir bidirle " +
	"bidirli bidirlo bidis bidiws cased caseignorable changeswhencasefolded changeswhencasemapped " +
	"changeswhenlowercased changeswhentitlecased changeswhenuppercased ci cwcf cwcm cwl cwt cwu dash " +
	"defaultignorablecodepoint dep deprecated di dia diacritic ebase ecomp emod emoji emojicomponent emojimodifier " +
	"emojimodifierbase emojipresentation epres ext extendedpictographic extender extpict graphemebase " +
	"graphemeextend graphemelink grbase grext grlink hex hexdigit idc idcontinue ideo ideographic ids idsb " +
	"idsbinaryoperator idst idstart idstrinaryoperator joinc joincontrol loe logicalorderexception lower lowercase " +
	"math nchar noncharactercodepoint patsyn patternsyntax patternwhitespace patws pcm prependedconcatenationmark " +
	"qmark quotationmark radical regionalindicator ri sd sentenceterminal softdotted space sterm term " +
	"terminalpunctuation uideo unifiedideograph upper uppercase variationselector vs whitespace wspace xidc " +
	"xidcontinue xids xidstart "
