// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"errors"

	"durward"
)

// fault is a rule that a request broke. It quotes nothing of the request.
type fault struct {
	code   durward.Code
	reason string
}

func (f *fault) Error() string { return f.reason }

var (
	errLineByte    = &fault{durward.CodeMalformed, "request line has a control or non-ASCII byte"}
	errLineForm    = &fault{durward.CodeMalformed, "request line is not method, target and version"}
	errLineEnd     = &fault{durward.CodeMalformed, "line end without CR"}
	errMethod      = &fault{durward.CodeMalformed, "method is not a token of at most 32 bytes"}
	errTargetForm  = &fault{durward.CodeMalformed, "request target is in no form that the method takes"}
	errTargetByte  = &fault{durward.CodeMalformed, "request target has a space or a fragment"}
	errTargetLong  = &fault{durward.CodeURITooLong, "request target is too long"}
	errScheme      = &fault{durward.CodeMalformed, "request target has the scheme of another kind of connection"}
	errVersion     = &fault{durward.CodeVersion, "version is not HTTP/1.0 or HTTP/1.1"}
	errConnect     = &fault{durward.CodeNotImplemented, "method CONNECT"}
	errHeadLong    = &fault{durward.CodeHeaderTooLarge, "head is too large"}
	errFields      = &fault{durward.CodeHeaderTooLarge, "too many field lines"}
	errFold        = &fault{durward.CodeMalformed, "field line begins with white space"}
	errNameEmpty   = &fault{durward.CodeMalformed, "field name is empty"}
	errNameSpace   = &fault{durward.CodeMalformed, "white space before the colon of a field line"}
	errNameByte    = &fault{durward.CodeMalformed, "field name is not a token"}
	errNoColon     = &fault{durward.CodeMalformed, "field line without a colon"}
	errValueByte   = &fault{durward.CodeMalformed, "field value has a control byte"}
	errHostMissing = &fault{durward.CodeHostInvalid, "no host"}
	errHostTwice   = &fault{durward.CodeHostInvalid, "several Host fields"}
	errHostForm    = &fault{durward.CodeHostInvalid, "host has a byte that no authority has"}
	errHostOther   = &fault{durward.CodeHostInvalid, "Host differs from the request target"}
	errLengthTwice = &fault{durward.CodeMalformed, "several lengths"}
	errLengthForm  = &fault{durward.CodeMalformed, "malformed length"}
	errBoth        = &fault{durward.CodeMalformed, "both a length and a transfer coding"}
	errCoding      = &fault{durward.CodeMalformed, "transfer coding is not one single chunked"}
	errFramingTab  = &fault{durward.CodeMalformed, "tab around a length or transfer coding"}
	errCodingOld   = &fault{durward.CodeMalformed, "transfer coding in HTTP/1.0"}
	errTrailerName = &fault{durward.CodeMalformed, "Trailer names a field that must not be in a trailer section"}
	errExpectation = &fault{durward.CodeExpectation, "unknown expectation"}
	errHeadTimeout = &fault{durward.CodeHeaderTimeout, "head did not arrive in time"}
)

// Why content cannot be read. A handler sees durward.ErrBodyMalformed.
var (
	errChunkSize    = &fault{durward.CodeMalformed, "malformed chunk size"}
	errChunkLine    = &fault{durward.CodeMalformed, "chunk size line is too long"}
	errChunkExt     = &fault{durward.CodeMalformed, "chunk extensions are too long"}
	errChunkByte    = &fault{durward.CodeMalformed, "control byte in a chunk extension"}
	errChunkExtForm = &fault{durward.CodeMalformed, "malformed chunk extension"}
	errChunkEnd     = &fault{durward.CodeMalformed, "chunk is longer than its size"}
	errTrailerLong  = &fault{durward.CodeMalformed, "trailer section is too large"}
	errTrailerField = &fault{durward.CodeMalformed, "field that must not be in a trailer section"}
)

// Why an answer was cut.
var (
	errAnswered  = errors.New("a second answer")
	errStatus    = errors.New("status cannot be sent")
	errSplit     = errors.New("line end or NUL in a field of the answer")
	errShort     = errors.New("content is shorter than its length")
	errStuck     = errors.New("content does not go on")
	errSlowRead  = errors.New("client did not read in time")
	errUpgrade   = errors.New("the request cannot leave HTTP")
	errNoContent = errors.New("content with a length is missing")
)
