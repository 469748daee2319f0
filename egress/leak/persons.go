// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package leak

import "bytes"

func persons() []maker {
	return []maker{
		{Detector: Detector{ID: "card_number", Kind: Personal}, number: card},
		{Detector: Detector{ID: "iban", Kind: Personal}, number: iban},
	}
}

// notCards are words that name other long numbers, and cardWords those that
// outweigh them.
var (
	notCards = []string{
		"order", "invoice", "track", "shipment", "parcel", "time", "date", "stamp", "serial", "imei", "imsi", "iccid", "phone", "mobile", "fax",
		"isbn", "ean", "gtin", "upc", "barcode", "sku", "version", "hash", "nonce", "seq", "offset", "cursor", "trace", "span", "session",
		"request", "transaction", "correlation", "message", "event", "batch", "build", "ticket", "tax", "vat", "population", "bytes", "amount", "balance",
		"population", "uuid", "guid", "snowflake", "epoch", "duration", "counter", "total", "memory", "size", "port", "checksum", "lat", "lon", "routing",
	}
	cardWords = []string{"card", "credit", "debit", "pan", "payment", "visa", "mastercard", "amex", "funding"}
)

// card: a primary account number (ISO/IEC 7812): a prefix and length that
// issuers use, the checksum, alone in its place, and not named as another number.
func card(v view) found {
	start := v.at
	if inDigitEscape(v.b, start) {
		start += 4
	}
	if start > 0 && !escapeEnds(v.b, start) {
		if c := v.b[start-1]; class[c]&(letter|dashes|base64) != 0 || (c == '.' || c == ',') && start > 1 && class[v.b[start-2]]&digit != 0 || c == '$' {
			return found{}
		}
	}
	end, digits, ok := cardDigits(v.b, start)
	if !ok || !issued(digits) || !luhn(digits) || alike(digits[6:len(digits)-1]) && alike(digits[:6]) {
		return found{}
	}
	if s := subject(view{v.b, start}); other(s) {
		return found{}
	}
	return found{start, end, 4}
}

func other(subject []byte) bool {
	if mentions(subject, cardWords...) {
		return false
	}
	if n := len(subject); n >= 2 && (bytes.EqualFold(subject, []byte("id")) || string(subject[n-2:]) == "Id" || string(subject[n-2:]) == "ID" ||
		n >= 3 && bytes.EqualFold(subject[n-3:], []byte("_id")) || n >= 4 && bytes.EqualFold(subject[n-4:], []byte("_ids"))) {
		return true
	}
	return mentions(subject, notCards...)
}

// cardDigits reads 14 to 19 digits, in one run or in the groups in which they
// stand on a card, with one kind of separator.
func cardDigits(b []byte, i int) (end int, digits []byte, ok bool) {
	end = run(b, i, digit)
	if n := end - i; n >= 14 && n <= 19 {
		if end < len(b) && (class[b[end]]&(letter|dashes|base64) != 0 || b[end] == '.' && end+1 < len(b) && class[b[end+1]]&digit != 0) {
			return 0, nil, false
		}
		return end, b[i:end], true
	}
	if end-i != 4 || end >= len(b) || b[end] != ' ' && b[end] != '-' {
		return 0, nil, false
	}
	if i > 1 && b[i-1] == b[end] && class[b[i-2]]&digit != 0 {
		return 0, nil, false // the middle of something longer
	}
	separator, groups := b[end], [4]int{4}
	for g := 1; g < 4 && end < len(b) && b[end] == separator; g++ {
		n := run(b, end+1, digit)
		groups[g] = n - end - 1
		if groups[g] == 0 {
			break
		}
		end = n
	}
	if groups != [4]int{4, 4, 4, 4} && groups != [4]int{4, 6, 5, 0} && groups != [4]int{4, 6, 4, 0} || !ends(b, end, alnum|dashes) {
		return 0, nil, false
	}
	return end, onlyDigits(make([]byte, 0, 20), b[i:end]), true
}

// issued tells whether an issuer uses the prefix at that length.
func issued(d []byte) bool {
	n := len(d)
	two, four := int(d[0]-'0')*10+int(d[1]-'0'), 0
	for _, c := range d[:4] {
		four = four*10 + int(c-'0')
	}
	switch {
	case d[0] == '4':
		return n == 16
	case two >= 51 && two <= 55, four >= 2221 && four <= 2720:
		return n == 16
	case two == 34 || two == 37:
		return n == 15
	case four == 6011 || two == 65 || four >= 6440 && four <= 6499:
		return n == 16
	case four >= 3528 && four <= 3589:
		return n == 16
	case two == 36 || two == 38 || two == 39 || four >= 3000 && four <= 3059:
		return n == 14
	case two == 62:
		return n >= 16 && n <= 19
	}
	return false
}

// ibanLengths are those of the IBAN registry (ISO 13616), by country.
var ibanLengths = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28,
	"CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18,
	"GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32,
	"LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15,
	"PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25,
	"SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}

// iban: country, check digits and account, in one run or in groups of four.
func iban(v view) found {
	start := v.at - 2
	if start < 0 || class[v.b[start]]&upper == 0 || class[v.b[start+1]]&upper == 0 || !starts(v.b, start, alnum|dashes) ||
		run(v.b, v.at, digit)-v.at < 2 {
		return found{}
	}
	n := ibanLengths[string(v.b[start:v.at])]
	var text [34]byte
	got, end := 0, start
	for ; end < len(v.b) && got < n; end++ {
		c := v.b[end]
		if c == ' ' && got%4 == 0 {
			continue
		}
		if class[c]&(digit|upper) == 0 {
			return found{}
		}
		text[got] = c
		got++
	}
	if n == 0 || got < n || !ends(v.b, end, alnum) || !mod97(text[:n]) {
		return found{}
	}
	return found{start, end, 4}
}
