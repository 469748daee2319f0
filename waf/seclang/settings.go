// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

// Settings are the directives that configure the engine. A directive that was
// not given has its field unset (nil or ""), so that Coraza's own default
// holds; the last one counts.
type Settings struct {
	RuleEngine string // on, off or detectiononly

	RequestBodyAccess        *bool
	RequestBodyLimit         *int64 // bytes
	RequestBodyNoFilesLimit  *int64 // bytes
	RequestBodyInMemoryLimit *int64 // bytes
	RequestBodyLimitAction   string // reject or processpartial
	RequestBodyJSONDepth     *int
	ArgumentsLimit           *int

	ResponseBodyAccess      *bool
	ResponseBodyLimit       *int64 // bytes
	ResponseBodyLimitAction string // reject or processpartial
	ResponseBodyJSONDepth   *int
	ResponseBodyMIMETypes   []string

	// DefaultActions are the SecDefaultAction texts in their order.
	DefaultActions []string
	// Signatures are the SecComponentSignature texts in their order.
	Signatures []string

	// Other holds the remaining known directives, by name in lower case: those
	// that concern logs and storage, and those that Coraza accepts and ignores,
	// as SecArgumentSeparator.
	Other map[string]string
}
