// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package leak

// usual is text as most answers are made of. Pairs of bytes that occur in it
// are bad places to look for an anchor.
const usual = `{"id":"ord_000123","customer":{"name":"Anna Carlsen","email":"anna.carlsen12@example.com","city":"Oslo","country":"NO"},"total":129.50,
"currency":"NOK","created_at":"2026-03-14T08:15:11Z","updated_at":"2025-12-01T10:00:00.000Z","status":"shipped","active":true,"enabled":false,"parent":null,
"description":"The quick brown fox jumps over the lazy dog, and then it went home for the winter. There is nothing more to say about this.",
"links":{"self":"https://api.example.com/v1/orders/123?page=2&limit=50","next":"/v1/orders?cursor=abc","html_url":"http://www.example.org/users/7"},
"tags":["gift","express","new"],"type":"object","user_id":4711,"username":"grete","first_name":"Grete","last_name":"Hansen","phone":"+47 22 33 44 55",
"address":{"street":"Storgata 12","zip":"0155","state":"open"},"count":10,"per_page":25,"has_more":true,"version":"1.10.2","language":"en","message":"Request accepted",
"permissions":["read","write","admin"],"metadata":{"source":"import","category":"books","product":"apple pie","price":19.99,"quantity":3,"available":"yes"},
"comment":"Please call before you come. Thank you for your order! We will deliver it tomorrow between 10:00 and 12:30, at the door or to a neighbour.",
"uuid":"3f2b8c1e-9d47-4a6f-b05e-7c1d2e3f4a5b","title":"A short history of nearly everything","author":"Bill Bryson","published":2003,"pages":544,"key":"value",
"content":"Company profile: software development, customer support and consulting services, with people in different countries, from north to south.",
"image":"https://cdn.example.net/assets/img/photo_1200x800.jpg","width":1200,"height":800,"size":345678,"content_type":"application/json","node_id":"MDEwOlJlcG9z",
"default":"main","private":false,"owner":{"login":"octo","site_admin":false,"followers_url":"/users/octo/followers"},"scope":"public","group":"members","expires_in":3600}`

var frequency = func() map[uint16]int {
	m := map[uint16]int{}
	for i := 0; i+1 < len(usual); i++ {
		m[pairOf(usual[i], usual[i+1])]++
	}
	return m
}()

// rarest finds where in text the two neighbouring pairs stand that are least
// likely in clean content.
func rarest(text string) int {
	cost := func(k int) int {
		sum := 0
		for _, at := range []int{k, k + 1} {
			sum += 20*frequency[pairOf(text[at], text[at+1])] + weight(text[at])*weight(text[at+1])/8
		}
		return sum
	}
	best := 0
	for k := 1; k+2 < len(text); k++ {
		if cost(k) < cost(best) {
			best = k
		}
	}
	return best
}

// weight is how common a byte is, for pairs that the sample does not have.
func weight(c byte) int {
	switch {
	case class[c]&lower != 0, c == ' ', c == '"':
		return 8
	case class[c]&digit != 0:
		return 6
	}
	return 3
}
