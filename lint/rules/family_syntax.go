package rules

import "rewright/lint"

// syntaxRules are the family RD0, syntax and typos.
var syntaxRules = []*lint.Rule{
	&unknownDirective, &unknownFlag, &spaceInFlags, &flagsGluedToTarget, &badFlagBrackets, &textAfterFlags,
	&wrongFlagSeparator, &unknownStatusWord, &unknownVariable, &httpHeaderVariable, &malformedScheme,
	&lookalikeCharacter, &invisibleCharacter, &htmlEntity, &swallowedLine, &missingSemicolon, &unquotedBrace,
	&malformedIf, &deadModuleGuard, &unclosedSection, &foreignSyntax, &wrongBackreferenceSigil,
	&wrongArgumentCount, &unknownFileTest, &refusedArgument,
}
