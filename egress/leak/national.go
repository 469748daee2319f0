// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package leak

// national are the ids of persons, country by country. All are optional: where
// nobody expects them, their form is that of other numbers.
func national() []maker {
	one := func(id string, check func(view) found) maker {
		return maker{Detector: Detector{ID: id, Kind: Personal, Optional: true}, number: check}
	}
	return []maker{
		one("us_ssn", usSSN), one("uk_nino", ukNINO), one("es_dni", esDNI), one("nl_bsn", nlBSN), one("de_steuer_id", deSteuerID),
		one("fr_nir", frNIR), one("it_codice_fiscale", itCodiceFiscale), one("br_cpf", brCPF),
	}
}

// alone gives the end of so many digits that stand alone at the anchor.
func alone(v view, n int) (end int, ok bool) {
	end = run(v.b, v.at, digit)
	return end, end-v.at == n && starts(v.b, v.at, alnum|dashes) && ends(v.b, end, alnum|dashes)
}

// named tells whether one of the words stands in front of the anchor.
func named(v view, words ...string) bool { return mentions(v.b[:v.at], words...) }

// usSSN: area, group and serial of the Social Security Administration, with a
// word that says what it is; there is no checksum.
func usSSN(v view) found {
	end := run(v.b, v.at, digit)
	var d []byte
	switch {
	case end-v.at == 9:
		d = v.b[v.at:end]
	case end-v.at == 3 && end+8 <= len(v.b) && (v.b[end] == '-' || v.b[end] == ' ') && v.b[end+3] == v.b[end] && run(v.b, end+4, digit) == end+8:
		end += 8
		d = onlyDigits(make([]byte, 0, 9), v.b[v.at:end])
	}
	if len(d) != 9 || !starts(v.b, v.at, alnum|dashes) || !ends(v.b, end, alnum|dashes) || !named(v, "ssn", "social security", "social_security", "socialsecurity", "taxpayer") {
		return found{}
	}
	area, group, serial := string(d[:3]), string(d[3:5]), string(d[5:])
	if area == "000" || area == "666" || area[0] == '9' || group == "00" || serial == "0000" {
		return found{}
	}
	return found{v.at, end, 4}
}

// ukNINO: two letters, six digits and a letter from A to D, as HMRC allots them.
func ukNINO(v view) found {
	start, end := v.at-2, run(v.b, v.at, digit)
	if start < 0 || end-v.at != 6 || end >= len(v.b) || v.b[end] < 'A' || v.b[end] > 'D' || !starts(v.b, start, alnum|dashes) || !ends(v.b, end+1, alnum|dashes) {
		return found{}
	}
	one, two := v.b[start], v.b[start+1]
	never := func(c byte) bool {
		return class[c]&upper == 0 || c == 'D' || c == 'F' || c == 'I' || c == 'Q' || c == 'U' || c == 'V'
	}
	if never(one) || never(two) || two == 'O' {
		return found{}
	}
	switch string(v.b[start:v.at]) {
	case "BG", "GB", "KN", "NK", "NT", "TN", "ZZ":
		return found{}
	}
	return found{start, end + 1, 2}
}

// esDNI: eight digits, or X, Y or Z and seven, and the letter of the rest by 23.
func esDNI(v view) found {
	start, end := v.at, run(v.b, v.at, digit)
	n := 0
	switch {
	case end-start == 8:
	case end-start == 7 && start > 0 && v.b[start-1] >= 'X' && v.b[start-1] <= 'Z':
		start--
		n = int(v.b[start] - 'X')
	default:
		return found{}
	}
	if end < len(v.b) && v.b[end] == '-' {
		end++
	}
	if end >= len(v.b) || !starts(v.b, start, alnum|dashes) || !ends(v.b, end+1, alnum|dashes) {
		return found{}
	}
	for _, c := range v.b[v.at : v.at+run(v.b[v.at:], 0, digit)] {
		n = n*10 + int(c-'0')
	}
	if v.b[end] != "TRWAGMYFPDXBNJZSQVHLCKE"[n%23] {
		return found{}
	}
	return found{start, end + 1, 2}
}

// nlBSN: nine digits with the eleven-test, named as such.
func nlBSN(v view) found {
	end, ok := alone(v, 9)
	if !ok || !named(v, "bsn", "burgerservice", "sofi") || weighted(v.b[v.at:end], 9, 8, 7, 6, 5, 4, 3, 2, -1)%11 != 0 || alike(v.b[v.at:end]) {
		return found{}
	}
	return found{v.at, end, 3}
}

// deSteuerID: eleven digits with the check digit of ISO/IEC 7064, MOD 11,10; one
// of the first ten digits occurs twice or three times.
func deSteuerID(v view) found {
	end, ok := alone(v, 11)
	if !ok || v.b[v.at] == '0' {
		return found{}
	}
	d := v.b[v.at:end]
	var times [10]int
	product := 10
	for _, c := range d[:10] {
		times[c-'0']++
		sum := (int(c-'0') + product) % 10
		if sum == 0 {
			sum = 10
		}
		product = sum * 2 % 11
	}
	repeated := 0
	for _, n := range times {
		if n > 3 {
			return found{}
		}
		if n > 1 {
			repeated++
		}
	}
	check := 11 - product
	if check == 10 {
		check = 0
	}
	if repeated != 1 || int(d[10]-'0') != check || !named(v, "steuer", "tax", "idnr", "tin") {
		return found{}
	}
	return found{v.at, end, 3}
}

// frNIR: thirteen digits and the complement of the rest by 97.
func frNIR(v view) found {
	end, ok := alone(v, 15)
	if !ok || v.b[v.at] != '1' && v.b[v.at] != '2' {
		return found{}
	}
	d := v.b[v.at:end]
	month := int(d[3]-'0')*10 + int(d[4]-'0')
	rest := 0
	for _, c := range d[:13] {
		rest = (rest*10 + int(c-'0')) % 97
	}
	if month == 0 || month > 12 && month < 20 || 97-rest != int(d[13]-'0')*10+int(d[14]-'0') {
		return found{}
	}
	return found{v.at, end, 2}
}

// Values of the characters of a codice fiscale in odd places (decree of
// 23 December 1976): digits 0 to 9, then A to Z.
var odd = [36]int{
	1, 0, 5, 7, 9, 13, 15, 17, 19, 21,
	1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
}

// itCodiceFiscale: sixteen characters, the last of which checks the others.
func itCodiceFiscale(v view) found {
	start, end := v.at-6, v.at+10
	if start < 0 || end > len(v.b) || run(v.b, v.at, digit) != v.at+2 || !starts(v.b, start, alnum|dashes) || !ends(v.b, end, alnum|dashes) {
		return found{}
	}
	sum := 0
	for i, c := range v.b[start:end] {
		number := class[c]&digit != 0
		if !number && class[c]&upper == 0 || number != (i == 6 || i == 7 || i == 9 || i == 10 || i >= 12 && i <= 14) {
			return found{}
		}
		index, value := int(c-'0'), int(c-'0')
		if !number {
			index, value = int(c-'A')+10, int(c-'A')
		}
		switch {
		case i == 15:
			if sum%26 != value {
				return found{}
			}
		case i%2 == 0:
			sum += odd[index]
		default:
			sum += value
		}
	}
	return found{start, end, 2}
}

// brCPF: eleven digits with two check digits by 11, in the written form or named.
func brCPF(v view) found {
	end, written := run(v.b, v.at, digit), false
	if end-v.at == 3 && v.at+14 <= len(v.b) && v.b[v.at+3] == '.' && v.b[v.at+7] == '.' && v.b[v.at+11] == '-' {
		end, written = v.at+14, true
	}
	d := onlyDigits(make([]byte, 0, 12), v.b[v.at:min(end, v.at+14)])
	if len(d) != 11 || !starts(v.b, v.at, alnum|dashes) || !ends(v.b, end, alnum|dashes) || alike(d) || !written && !named(v, "cpf", "cadastro") {
		return found{}
	}
	check := func(sum int) int { return sum * 10 % 11 % 10 }
	if check(weighted(d, 10, 9, 8, 7, 6, 5, 4, 3, 2)) != int(d[9]-'0') || check(weighted(d, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)) != int(d[10]-'0') {
		return found{}
	}
	return found{v.at, end, 2}
}
