// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package transform does to a value what a transformation of a SecLang rule
// does in Coraza v3.8.1, byte for byte, its bugs included: the gate of the
// firewall must see what Coraza's operators would see. It keeps no state, reads
// nothing but its arguments and may be used concurrently.
//
// Every function is total: a transformation that fails in Coraza (hexDecode of
// what is not hexadecimal) leaves the value as it was, as there.
//
// Source: the reference of transformations of Coraza (coraza.io/docs/seclang)
// and the behaviour of its v3.8.1, to which the tests compare every function,
// over all code points where it has a table.
package transform

import "strings"

// T is a transformation. The zero value is none, which changes nothing.
type T uint8

// definition is how a transformation works.
type definition struct {
	name string
	// run returns the value after the transformation, and whether Coraza says
	// that it changed, which is not always so. It returns s itself, or a part of
	// it, or appends to dst, which is empty.
	run func(dst, s []byte) (out []byte, reported bool)
	// touches are bytes of which a value must contain one to be changed.
	touches ByteSet
	// always says that even the empty value is changed, or reported as such.
	always bool
	// image gives the bytes of results for values made of some bytes that are
	// touched; nil: any byte.
	image func(ByteSet) ByteSet
	// shrinks says that no result is longer than its value, shrinksASCII that
	// none of a value in ASCII is.
	shrinks, shrinksASCII bool
}

// Lookup finds a transformation by its name, in any case, as it stands in a
// rule after "t:".
func Lookup(name string) (t T, ok bool) {
	t, ok = byName[strings.ToLower(name)]
	return t, ok
}

// All returns every transformation, none first.
func All() []T {
	all := make([]T, len(definitions))
	for i := range all {
		all[i] = T(i)
	}
	return all
}

// String gives the name in lower case.
func (t T) String() string { return definitions[t].name }

// Apply transforms s. The result is s itself, a part of it, or new memory, as a
// rule that of dst, which is overwritten from its beginning and grown if it is
// too small; dst and s must not overlap, and s is not written to. If changed is
// false the result equals s.
func (t T) Apply(dst, s []byte) (out []byte, changed bool) {
	out, _ = definitions[t].run(dst[:0], s)
	return out, len(out) != len(s) || len(s) > 0 && &out[0] != &s[0]
}

// ApplyReported is Apply for a rule with multiMatch: reported is what Coraza
// takes for a change. If it is false, Coraza goes on with s and not with the
// result, even if they differ.
func (t T) ApplyReported(dst, s []byte) (out []byte, reported bool) {
	return definitions[t].run(dst[:0], s)
}

// Touches reports whether the transformation can change a value with these
// bytes. If it reports false, the result is the value and, under multiMatch, no
// change is reported.
func (t T) Touches(bytes *ByteSet) bool {
	d := &definitions[t]
	return d.always || d.touches.Intersects(bytes)
}

// byName holds also the second names that Coraza knows.
var byName = func() map[string]T {
	names := map[string]T{}
	for i, d := range definitions {
		names[d.name] = T(i)
	}
	names["normalisepath"] = names["normalizepath"]
	names["normalisepathwin"] = names["normalizepathwin"]
	return names
}()

var (
	whitespace = Bytes(" \t\n\v\f\r")
	upperASCII = byteRange('A', 'Z')
	lowerASCII = byteRange('a', 'z')
	hexDigits  = Bytes("0123456789abcdefABCDEF")
	nonASCII   = byteRange(0x80, 0xff)
	anyByte    = byteRange(0, 0xff)
)

// definitions are in the order of T.
var definitions = []definition{
	{name: "none", run: func(_, s []byte) ([]byte, bool) { return s, false }},
	{name: "base64decode", run: base64Decode, touches: anyByte, always: true, image: decoded64(false), shrinks: true},
	{name: "base64decodeext", run: base64DecodeExt, touches: anyByte, always: true, image: decoded64(true), shrinks: true},
	{name: "base64encode", run: base64Encode, touches: anyByte, always: true, image: only(base64Digits)},
	{name: "cmdline", run: cmdLine, touches: Bytes("\"'\\^ ,;\t\r\n").Union(upperASCII), image: commanded, shrinks: true},
	{name: "compresswhitespace", run: compressWhitespace, touches: whitespace.Union(Bytes("\x85\xa0")), image: adding(" "), shrinks: true},
	{name: "cssdecode", run: cssDecode, touches: Bytes(`\`)},
	{name: "escapeseqdecode", run: escapeSeqDecode, touches: Bytes(`\`), shrinks: true},
	{name: "hexdecode", run: hexDecode, touches: hexDigits, always: true},
	{name: "hexencode", run: hexEncode, touches: anyByte, always: true, image: only(lowerHex)},
	{name: "htmlentitydecode", run: htmlEntityDecode, touches: Bytes("&")},
	{name: "jsdecode", run: jsDecode, touches: Bytes(`\`), shrinks: true},
	{name: "length", run: length, touches: anyByte, always: true, image: only(decimals)},
	{name: "lowercase", run: lowercase, touches: upperASCII.Union(nonASCII), image: lowerImage, shrinksASCII: true},
	{name: "md5", run: md5Sum, touches: anyByte, always: true},
	{name: "normalizepath", run: normalizePath, touches: Bytes("/."), image: same},
	{name: "normalizepathwin", run: normalizePathWin, touches: Bytes(`/.\: `), image: slashed},
	{name: "removecomments", run: removeComments, touches: Bytes("*-#"), image: adding(" \x00")},
	{name: "removecommentschar", run: removeCommentsChar, touches: Bytes("*-#"), image: same, shrinks: true},
	{name: "removenulls", run: removeNulls, touches: Bytes("\x00"), image: same, shrinks: true},
	{name: "removewhitespace", run: removeWhitespace, touches: whitespace.Union(nonASCII), image: unspaced, shrinksASCII: true},
	{name: "replacecomments", run: replaceComments, touches: Bytes("*"), image: adding(" "), shrinks: true},
	{name: "replacenulls", run: replaceNulls, touches: Bytes("\x00"), image: adding(" "), shrinks: true},
	{name: "sha1", run: sha1Sum, touches: anyByte, always: true},
	{name: "trim", run: trim, touches: whitespace, image: same, shrinks: true},
	{name: "trimleft", run: trimLeft, touches: whitespace, image: same, shrinks: true},
	{name: "trimright", run: trimRight, touches: whitespace, image: same, shrinks: true},
	{name: "uppercase", run: uppercase, touches: lowerASCII.Union(nonASCII), image: upperImage, shrinksASCII: true},
	{name: "urldecode", run: urlDecode, touches: Bytes("%+"), image: unescaped, shrinks: true},
	{name: "urldecodeuni", run: urlDecodeUni, touches: Bytes("%+"), image: unescaped, shrinks: true},
	{name: "urlencode", run: urlEncode, touches: urlEncoded, image: adding("%+0123456789abcdef")},
	{name: "utf8tounicode", run: utf8ToUnicode, touches: nonASCII, image: adding("%u0123456789abcdef")},
}
