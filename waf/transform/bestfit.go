// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package transform

import "slices"

type run struct {
	first uint16
	to    string
}

// looksLike gives, for runs of code points beginning with first, the ASCII that
// Windows code page 20127 (US-ASCII) has for them: accents go, typographic
// marks become plain ones. What is not here stands for its low byte. The values
// were measured on Coraza v3.8.1, and TestEveryCodePointFoldsAsInCoraza measures
// all 65,536 again.
var looksLike = []run{
	{0x00a0, " !c"}, {0x00a4, "$Y|"}, {0x00a9, "Ca<"}, {0x00ad, "-R"}, {0x00b2, "23"}, {0x00b7, ".,1o>"},
	{0x00c0, "AAAAAAACEEEEIIIIDNOOOOO"}, {0x00d8, "OUUUUY"}, {0x00e0, "aaaaaaaceeeeiiii"}, {0x00f1, "nooooo"},
	{0x00f8, "ouuuuy"}, {0x00ff, "yAaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIi"}, {0x0134, "JjKk"},
	{0x0139, "LlLlLl"}, {0x0141, "LlNnNnNn"}, {0x014c, "OoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZ"},
	{0x017b, "ZzZz"}, {0x0180, "b"}, {0x0189, "D"}, {0x0191, "Ff"}, {0x0197, "I"}, {0x019a, "l"}, {0x019f, "OOo"},
	{0x01ab, "t"}, {0x01ae, "TUu"}, {0x01b6, "z"}, {0x01cd, "AaIiOoUuUuUuUuUu"}, {0x01de, "Aa"},
	{0x01e4, "GgGgKkOoOo"}, {0x01f0, "j"}, {0x0261, "g"}, {0x02b9, "'\""}, {0x02bc, "'"}, {0x02c4, "^"},
	{0x02c6, "^"}, {0x02c8, "'"}, {0x02cb, "`"}, {0x02cd, "_"}, {0x02dc, "~"}, {0x0300, "`"}, {0x0302, "^~"},
	{0x030e, "\""}, {0x0331, "__"}, {0x2000, "       "}, {0x2010, "--"}, {0x2013, "--"}, {0x2018, "'',"},
	{0x201c, "\"\"\""}, {0x2022, "."}, {0x2026, "."}, {0x2032, "'"}, {0x2035, "`"}, {0x2039, "<>"}, {0x2122, "T"},
}

// bestFit returns the ASCII for a code point, 0 if the table has none.
func bestFit(code uint16) byte {
	if code < looksLike[0].first {
		return 0
	}
	i, found := slices.BinarySearchFunc(looksLike, code, func(r run, code uint16) int { return int(r.first) - int(code) })
	if !found {
		i--
	}
	if at := int(code - looksLike[i].first); at < len(looksLike[i].to) {
		return looksLike[i].to[at]
	}
	return 0
}
