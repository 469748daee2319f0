// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import _ "embed"

//go:embed durward.schema.json
var schema []byte

// Schema gives the JSON Schema (2020-12) of the document, for editors. It is
// what Load takes, but for rules that hold between fields.
func Schema() []byte { return append([]byte(nil), schema...) }
