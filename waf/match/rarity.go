// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package match

import "strings"

// Symbols are the 64 classes of bytes that the scan tells apart: letters without
// case, and most signs on their own.
const (
	symbols   = 64
	symDigit  = 26
	symSpace  = 27
	symLine   = 28
	symTab    = 29
	symEdge   = 30 // before and after the text, with control characters
	symTail   = 31 // 0x80 to 0xBF
	symLead   = 32 // 0xC0 to 0xFF
	symTilde  = 33 // with "^"
	symSigns  = 34
	pairCount = symbols * symbols
)

var symbolOf = func() (of [257]uint8) {
	signs := uint8(symSigns)
	for b := range 257 {
		switch {
		case b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z':
			of[b] = uint8(b|0x20) - 'a'
		case b >= '0' && b <= '9':
			of[b] = symDigit
		case b == ' ':
			of[b] = symSpace
		case b == '\n' || b == '\r':
			of[b] = symLine
		case b == '\t' || b == '\v' || b == '\f':
			of[b] = symTab
		case b < ' ' || b == 0x7F || b == edgeByte:
			of[b] = symEdge
		case b == '~' || b == '^':
			of[b] = symTilde
		case b >= 0xC0:
			of[b] = symLead
		case b >= 0x80:
			of[b] = symTail
		default:
			of[b] = signs
			signs++
		}
	}
	return of
}()

// sample is what values of ordinary requests look like: how rare a window is,
// is told from the pairs in it.
const sample = `The meeting has been moved to Thursday because the room was not free. Please let me know if that does not work for you and I will
find another date. Our order of the 12th arrived in time, but two of the boxes were damaged; can you send us new ones, or should we return them
first? I'd like to change the delivery address: 14 Station Road, Flat 3b, Cambridge. We are a small company (about 20 people) and have been
looking for a service like this for a long time. What is the price for 100 users? It's great - thanks for your help! See the documents at
https://www.example.com/docs/getting-started?page=2&sort=name, then call me on +44 1223 496 000. She selected the best photographs from her
journey, and asked where all of them had been taken. There were more than enough tables left in the restaurant, either inside or on the terrace.
Some customers would rather update their account before they create a new group; others just drop the old one when they join. "Why not?" he said.
john.smith@example.org jane_doe 7c9e6679-7425-40de-944b-e07fc1f90ae7 2026-03-14T09:26:53Z en-GB,en;q=0.9 application/json text/html true false
{"id":4711,"name":"Blue cotton shirt","price":19.95,"currency":"EUR","tags":["summer","men","sale"],"stock":{"amount":12,"unit":"pieces"},
"description":"A light shirt for warm days, made from organic cotton.","customer":{"first_name":"Maria","city":"Berlin","active":true,"notes":null}}
Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9
name=Maria&city=K%C3%B6ln&message=how+are+you%3F /api/v1/orders/4711/items?limit=20&offset=40 gzip, deflate, br Keep-Alive session=a81bc81b
One of the reasons why people enjoy working with us is that problems get solved quickly. If something is unclear, please ask; for each question
there is a person in the office who knows the answer or can find out within an hour. On Monday and Tuesday the shop opens at 9 a.m. and closes at
6 p.m., on all other days at 8. I was looking at the report that you sent over last week and think the numbers for May need to be checked again.`

// chances are the chance of each symbol, and of each after each.
var chances = func() (c struct {
	first [symbols]float64
	after [symbols][symbols]float64
}) {
	const rest = 0.02 // for what the sample does not show
	text := strings.ReplaceAll(sample, "\n", " ") + "\n\x7f\té~" + string(rune(0x20AC)) + "'`<>[]\\|*$%#@{}\n"
	var total [symbols]float64
	for i := 0; i+1 < len(text); i++ {
		a, b := symbolOf[text[i]], symbolOf[text[i+1]]
		c.after[a][b]++
		total[a]++
	}
	for a := range symbols {
		c.first[a] = (total[a] + 0.5) / (float64(len(text)) + symbols/2)
	}
	for a := range symbols {
		for b := range symbols {
			seen := 0.0
			if total[a] > 0 {
				seen = c.after[a][b] / total[a]
			}
			c.after[a][b] = (1-rest)*seen + rest*c.first[b]
		}
	}
	return c
}()

// symbolSet is the set of the symbols of a byte set.
type symbolSet uint64

const anySymbol = ^symbolSet(0)

func symbolsOf(s byteSet) (out symbolSet) {
	for b := range 257 {
		if s.has(b) {
			out |= 1 << symbolOf[b]
		}
	}
	return out
}

// symbolWindow is the symbols of a window's first sets; past its end is anything.
type symbolWindow [4]symbolSet

func (w window) symbols() (out symbolWindow) {
	for i := range out {
		if out[i] = anySymbol; i < len(w) {
			out[i] = symbolsOf(w[i])
		}
	}
	return out
}

// chance is how likely one of the window's sequences stands at a given place.
func (w symbolWindow) chance() float64 {
	var now [symbols]float64
	for a := range symbols {
		if w[0]&(1<<a) != 0 {
			now[a] = chances.first[a]
		}
	}
	for _, set := range w[1:] {
		if set == anySymbol {
			continue
		}
		var next [symbols]float64
		for a, chance := range now {
			if chance == 0 {
				continue
			}
			for b := range symbols {
				if set&(1<<b) != 0 {
					next[b] += chance * chances.after[a][b]
				}
			}
		}
		now = next
	}
	sum := 0.0
	for _, chance := range now {
		sum += chance
	}
	return sum
}
