// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package spec

// API is one document, read and resolved. It is immutable once loaded and safe
// for concurrent use. Its values (examples, enum, defaults) are as encoding/json
// has them, numbers as json.Number.
type API struct {
	Title, Version string
	// Dialect is "2.0", "3.0" or "3.1".
	Dialect string
	// Servers are the base URLs as written, variables filled in by their defaults.
	Servers    []string
	Operations []*Operation // by path, then method
	Schemes    map[string]*Scheme
	// Warnings are the parts that could not be understood and were left out,
	// with where they stand. A tester reads what it can.
	Warnings []string
}

// Operation is one method of one path.
type Operation struct {
	ID     string // operationId, or "METHOD /template" where there is none
	Method string // in upper case
	Path   string // template below the server's base path: /users/{id}
	// Slash tells that the document's template ends with one more slash, which
	// is sent, but is left out of Path.
	Slash  bool
	Tags   []string
	Params []*Param // the path item's and the operation's own
	Body   *Body    // nil where no content is declared
	// Answers are by status: "200", "2XX", "default".
	Answers map[string]*Answer
	// Security lists alternatives, each the schemes needed together. An empty
	// alternative is access without a credential; nil means that the document
	// says nothing.
	Security   [][]Requirement
	Deprecated bool
	Summary    string
	// Servers are those of the operation or its path item alone; nil where the
	// document's hold.
	Servers []string
}

// Template is the path as the document has it.
func (op *Operation) Template() string {
	if op.Slash {
		return op.Path + "/"
	}
	return op.Path
}

// Requirement is one scheme with the scopes that are needed of it.
type Requirement struct {
	Scheme string
	Scopes []string
}

// Scheme is a declared way to authenticate.
type Scheme struct {
	Name         string
	Type         string // apiKey, http, oauth2, openIdConnect, mutualTLS
	In, Param    string // of apiKey
	HTTPScheme   string // of http, in lower case: bearer, basic
	BearerFormat string
	TokenURL     string // of oauth2, where a flow has one
	Scopes       []string
}

// Param is a parameter in the path, the query, a header field or a cookie.
type Param struct {
	Name, In string // In: path, query, header, cookie
	Required bool
	Style    string // as OpenAPI has it, defaults filled in
	Explode  bool
	// MediaType is set when the value is content of that type (JSON in a query).
	MediaType string
	Schema    *Schema // never nil
	Examples  []any
}

// Body is the content of a request.
type Body struct {
	Required bool
	Content  []*Media // JSON first, then as the document has them
}

// Media is content of one type.
type Media struct {
	Type     string  // as declared, in lower case, without parameters
	Schema   *Schema // never nil
	Examples []any
	// Encoding says how the members of a form are sent, where that is not the
	// usual.
	Encoding map[string]Encoding
}

// Encoding is how one member of a form is sent.
type Encoding struct {
	Type    string // media type of a part of multipart; empty for the usual one
	Style   string // of a URL-encoded form
	Explode bool
}

// Answer is a declared answer.
type Answer struct {
	Status      string
	Description string
	Content     []*Media
	Headers     map[string]*Schema
	Links       []*Link
}

// Link says that a value of an answer is a parameter of another operation.
type Link struct {
	Name, OperationID string
	// Params and Body are runtime expressions ("$response.body#/id") or constants.
	Params map[string]any
	Body   any
}
