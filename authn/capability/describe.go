// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"durward"
)

// description is a caveat in JSON, as `durward capability inspect --json`
// writes it and the JavaScript module reads it.
type description struct {
	Type       string          `json:"type"`
	Name       string          `json:"name,omitempty"`       // query
	Pointer    *string         `json:"pointer,omitempty"`    // body-field
	Value      json.RawMessage `json:"value,omitempty"`      // body-field: a scalar
	Values     []string        `json:"values,omitempty"`     // the sets
	Time       string          `json:"time,omitempty"`       // not-after, not-before: RFC 3339
	Count      uint32          `json:"count,omitempty"`      // uses
	Thumbprint string          `json:"thumbprint,omitempty"` // bound-key
	Number     int             `json:"number,omitempty"`     // of an unknown type
	Body       string          `json:"body,omitempty"`       // of an unknown type, in hexadecimal
}

// describe needs a caveat that is well-formed, or of an unknown type.
func (c Caveat) describe() description {
	d := description{Type: c.kind.String()}
	b := []byte(c.body)
	switch c.kind {
	case TypeQuery:
		name, rest, _ := nextItem(b)
		d.Name, d.Values = string(name), items(rest)
	case TypeBody:
		all := items(b)
		d.Pointer, d.Value = &all[0], json.RawMessage(all[2])
		switch all[1] {
		case "null":
			d.Value = json.RawMessage("null")
		case "string":
			d.Value = durward.AppendString(nil, all[2])
		}
	case TypeAddress:
		for _, item := range items(b) {
			p, _ := network([]byte(item))
			d.Values = append(d.Values, p.String())
		}
	case TypeNotAfter, TypeNotBefore:
		d.Time = time.Unix(int64(binary.BigEndian.Uint64(b)), 0).UTC().Format(time.RFC3339)
	case TypeUses:
		d.Count = binary.BigEndian.Uint32(b)
	case TypeBoundKey:
		d.Thumbprint = base64url.EncodeToString(b)
	case TypeOperation, TypeAPI, TypePath, TypeMethod:
		d.Values = items(b)
	default:
		d.Number, d.Body = int(c.kind), hex.EncodeToString(b)
	}
	return d
}

func items(b []byte) []string {
	var all []string
	for len(b) > 0 {
		item, rest, ok := nextItem(b)
		if !ok {
			break
		}
		all = append(all, string(item))
		b = rest
	}
	return all
}

// MarshalJSON describes c.
func (c Caveat) MarshalJSON() ([]byte, error) {
	if err := c.Check(); c.kind.known() && err != nil {
		return nil, err
	}
	return json.Marshal(c.describe())
}

// UnmarshalJSON makes the caveat that a description is about. It takes no
// unknown type and no unknown member.
func (c *Caveat) UnmarshalJSON(b []byte) error {
	var d description
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return errors.New("not the description of a caveat")
	}
	made, err := d.caveat()
	if err != nil {
		return err
	}
	*c = made
	return c.Check()
}

func (d *description) caveat() (Caveat, error) {
	switch d.Type {
	case "operation":
		return Operations(d.Values...), nil
	case "api":
		return APIs(d.Values...), nil
	case "path-prefix":
		return Paths(d.Values...), nil
	case "method":
		return Methods(d.Values...), nil
	case "query":
		return Query(d.Name, d.Values...), nil
	case "body-field":
		if d.Pointer == nil {
			return Caveat{}, errors.New("body-field: has no pointer")
		}
		return BodyField(*d.Pointer, string(d.Value))
	case "address":
		var all []netip.Prefix
		for _, s := range d.Values {
			p, err := netip.ParsePrefix(s)
			if err != nil {
				return Caveat{}, errNetwork
			}
			all = append(all, p)
		}
		return Addresses(all...), nil
	case "not-after", "not-before":
		t, err := time.Parse(time.RFC3339, d.Time)
		if err != nil || t.Nanosecond() != 0 {
			return Caveat{}, errors.New(d.Type + ": time must be RFC 3339, in whole seconds")
		}
		if d.Type == "not-after" {
			return NotAfter(t), nil
		}
		return NotBefore(t), nil
	case "uses":
		return UseCount(d.Count), nil
	case "bound-key":
		return BoundKey(d.Thumbprint), nil
	}
	return Caveat{}, errors.New("not the type of a caveat")
}

// BodyField makes the caveat of BodyString, BodyInt, BodyBool or BodyNull from
// a scalar in JSON: "acme" in quotes, 42, true, null.
func BodyField(pointer, scalar string) (Caveat, error) {
	text := []byte(strings.TrimSpace(scalar))
	wrong := errors.New(`body-field: the value must be a JSON scalar: "text", an integer within ±(2^53-1), true, false or null`)
	if !validJSON(text) {
		return Caveat{}, wrong
	}
	switch text[0] {
	case '"':
		if s, ok := unquote(text); ok {
			return BodyString(pointer, s), nil
		}
	case 't', 'f':
		return BodyBool(pointer, text[0] == 't'), nil
	case 'n':
		return BodyNull(pointer), nil
	default:
		if isInteger(text) {
			return list(TypeBody, pointer, "number", string(text)), nil
		}
	}
	return Caveat{}, wrong
}

// String says in English what c allows. What a token's maker chose is quoted
// so that it cannot move a terminal's cursor.
func (c Caveat) String() string {
	if err := c.Check(); c.kind.known() && err != nil {
		return "malformed " + c.kind.String()
	}
	d := c.describe()
	one := "one of " + quoted(d.Values)
	if len(d.Values) == 1 {
		one = quoted(d.Values)
	}
	switch c.kind {
	case TypeOperation, TypeAPI, TypeMethod:
		return d.Type + " is " + one
	case TypePath:
		return "path is, or is below, " + one
	case TypeQuery:
		return "query parameter " + quoted([]string{d.Name}) + " is " + one
	case TypeBody:
		return "content at " + quoted([]string{*d.Pointer}) + " is " + string(d.Value)
	case TypeAddress:
		return "client's address is in " + one
	case TypeNotAfter:
		return "before " + d.Time
	case TypeNotBefore:
		return "not before " + d.Time
	case TypeUses:
		if d.Count == 1 {
			return "one use"
		}
		return "uses: " + decimal(d.Count)
	case TypeBoundKey:
		return "with proof of the key " + d.Thumbprint
	}
	return "unknown caveat of type " + decimal(uint32(d.Number)) + " (a gateway refuses it)"
}

func quoted(values []string) string {
	var b []byte
	for i, v := range values {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = durward.AppendString(b, v)
	}
	return string(b)
}

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
