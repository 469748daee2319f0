// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"fmt"
	"strings"
)

// lexicon makes texts by what a name has in it, the first entry that fits: a
// word of its own (or the whole name without its separators).
var lexicon = []struct {
	words string // separated by spaces
	make  func(g *generator) string
}{
	{"email mail emailaddress", (*generator).email},
	{"password passwd pwd passphrase pass newpassword", (*generator).password},
	{"username login nickname handle screenname user userid accountname", (*generator).user},
	{"firstname givenname forename fname", func(g *generator) string { return g.one("Sam", "Alex", "Robin", "Kim") }},
	{"lastname surname familyname lname", func(g *generator) string { return g.one("Miller", "Novak", "Berg", "Costa") }},
	{"fullname displayname", func(g *generator) string { return g.tagged("Sam Miller") }},
	{"phone mobile telephone tel phonenumber mobilenumber fax msisdn", (*generator).phone},
	{"uuid guid", (*generator).uuid},
	{"vin", (*generator).vin},
	{"dob birthday birthdate dateofbirth", func(g *generator) string { return g.date(1985) }},
	{"expiry expirydate expirationdate", func(g *generator) string { return g.date(2031) }},
	{"timestamp datetime createdat updatedat", func(g *generator) string { return g.date(2031) + "T10:00:00Z" }},
	{"date day startdate enddate checkin checkout since until", func(g *generator) string { return g.date(2031) }},
	{"time", func(g *generator) string { return "10:30" }},
	{"url uri link website homepage webhook callback redirect avatar image picture photo imageurl href", func(g *generator) string { return "https://example.com/" + g.letters(6) }},
	{"ip ipaddress ipv4", func(g *generator) string { return fmt.Sprintf("192.0.2.%d", 1+g.r.IntN(250)) }},
	{"host hostname domain", func(g *generator) string { return g.letters(6) + ".example.com" }},
	{"zip zipcode postcode postalcode postal", func(g *generator) string { return g.one("94107", "10115", "60601") }},
	{"pin pincode otp verificationcode", func(g *generator) string { return g.digits(4) }},
	{"country countrycode nationality", func(g *generator) string { return g.one("US", "DE", "FR") }},
	{"currency currencycode", func(g *generator) string { return g.one("USD", "EUR") }},
	{"language lang", func(g *generator) string { return g.one("en", "de") }},
	{"locale", func(g *generator) string { return "en-US" }},
	{"timezone tz", func(g *generator) string { return "Europe/Berlin" }},
	{"city town", func(g *generator) string { return g.one("Springfield", "Berlin", "Lyon") }},
	{"state province region", func(g *generator) string { return g.one("CA", "NY", "IL") }},
	{"street address addressline address1 address2", func(g *generator) string { return fmt.Sprintf("%d Main Street", 1+g.r.IntN(99)) }},
	{"company organization organisation employer vendor brand", func(g *generator) string { return g.tagged("Acme") }},
	{"color colour", func(g *generator) string { return g.one("red", "green", "blue") }},
	{"gender sex", func(g *generator) string { return "other" }},
	{"iban", func(g *generator) string { return "DE89370400440532013000" }},
	{"bic swift", func(g *generator) string { return "DEUTDEFF" }},
	{"card cardnumber creditcard pan ccnumber", func(g *generator) string { return "4111111111111111" }},
	{"cvv cvc", func(g *generator) string { return g.digits(3) }},
	{"ssn", func(g *generator) string { return "078-05-1120" }},
	{"isbn", func(g *generator) string { return "9780306406157" }},
	{"sku", func(g *generator) string { return "SKU-" + strings.ToUpper(g.tag()) }},
	{"slug", func(g *generator) string { return "item-" + g.tag() }},
	{"coupon couponcode promocode voucher", func(g *generator) string { return "SAVE" + g.digits(2) }},
	{"price amount total cost balance", func(g *generator) string { return fmt.Sprintf("%d.50", 1+g.r.IntN(50)) }},
	{"quantity qty count age year page limit size offset number rating", func(g *generator) string { return fmt.Sprint(1 + g.r.IntN(9)) }},
	{"latitude lat longitude lng lon", func(g *generator) string { return fmt.Sprintf("%d.5", 1+g.r.IntN(50)) }},
	{"filename file attachment", func(g *generator) string { return g.letters(6) + ".txt" }},
	{"mimetype contenttype", func(g *generator) string { return "text/plain" }},
	{"description content body message text comment comments note notes bio summary about review feedback details", (*generator).sentence},
	{"title subject headline topic", func(g *generator) string { return g.tagged(g.one("Blue notebook", "Weekly plan", "Garden party")) }},
	{"search query q keyword term filter", func(g *generator) string { return g.one("a", "test", "blue") }},
	{"sort order orderby sortby", func(g *generator) string { return g.one("id", "name") }},
	{"status", func(g *generator) string { return "active" }},
	{"role type category kind tag group department", func(g *generator) string { return g.one("user", "general", "default") }},
	{"token secret apikey key hash signature nonce", func(g *generator) string { return g.hex(32) }},
	{"code reference ref", func(g *generator) string { return strings.ToUpper(g.tag()) }},
	{"name label", func(g *generator) string { return g.tagged(g.one("Blue notebook", "Green lamp", "Oak table")) }},
	{"id ids", func(g *generator) string { return fmt.Sprint(1 + g.r.IntN(9)) }},
}

// byWord is the lexicon by word; an earlier entry wins.
var byWord = func() map[string]int {
	m := map[string]int{}
	for i, entry := range lexicon {
		for w := range strings.FieldsSeq(entry.words) {
			if _, there := m[w]; !there {
				m[w] = i
			}
		}
	}
	return m
}()

// named makes a text by a name. The whole name counts most, then two words of
// it together, then its last word, which says what it is, then the others.
func (g *generator) named(name string) string {
	all := words(name)
	if i, ok := byWord[strings.Join(all, "")]; ok {
		return lexicon[i].make(g)
	}
	for k := len(all) - 2; k >= 0; k-- {
		if i, ok := byWord[all[k]+all[k+1]]; ok {
			return lexicon[i].make(g)
		}
	}
	for k := len(all) - 1; k >= 0; k-- {
		if i, ok := byWord[singular(all[k])]; ok {
			return lexicon[i].make(g)
		}
		if i, ok := byWord[all[k]]; ok {
			return lexicon[i].make(g)
		}
	}
	return g.tagged(g.one("blue", "green", "plain", "small"))
}

// tag is the unique part, or a few letters.
func (g *generator) tag() string {
	if g.h.Unique != "" {
		return g.h.Unique
	}
	return g.letters(5)
}

func (g *generator) tagged(s string) string {
	if g.h.Unique == "" {
		return s
	}
	return s + " " + g.h.Unique
}

func (g *generator) user() string { return "sam" + g.tag() }

func (g *generator) sentence() string {
	return g.one("The delivery was quick and complete", "Please call before noon", "A short note about the garden") + " " + g.tag()
}
