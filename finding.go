// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward

// Finding is what a rule of the firewall found in a request or answer: where,
// and never the value.
type Finding struct {
	Rule int `json:"rule"` // id of the rule
	// Class is the kind of attack: sqli, xss, rce; "" where the rule says none.
	Class string `json:"class,omitempty"`
	// In is where it was found: query, header, cookie, body, path; name when it
	// was the name of a parameter; "response body" and "response header".
	In string `json:"in,omitempty"`
	// Name is the parameter's name, or the JSON pointer of the member of a body.
	Name string `json:"name,omitempty"`
	// Decoding says how the value was decoded in which it was found, as
	// base64+json; "" when it was found in the value as sent.
	Decoding string `json:"decoding,omitempty"`
}
