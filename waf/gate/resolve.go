// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"durward/waf/seclang"
	"fmt"
)

// constants are the collections with one value that is always the same where
// the gate decides: errors of parsing, for one, are not proven clean.
var constants = map[string]string{
	"FILES_COMBINED_SIZE": "0", "FULL_REQUEST_LENGTH": "0", "URLENCODED_ERROR": "0", "ARGUMENTS_LIMIT_REACHED": "0",
	"MULTIPART_DATA_AFTER": "0", "MULTIPART_DUPLICATE_PART_HEADER": "0", "MULTIPART_INVALID_QUOTING": "0", "MULTIPART_STRICT_ERROR": "",
	"OUTBOUND_DATA_ERROR": "0", "INBOUND_DATA_ERROR": "", "REQBODY_ERROR": "0", "REQBODY_ERROR_MSG": "", "REQBODY_PROCESSOR_ERROR": "0",
	"REQBODY_PROCESSOR_ERROR_MSG": "", "DURATION": "0", "REMOTE_HOST": "",
}

// absent are the collections that have no member before a multipart body, an
// XML body or an answer is read.
var absent = map[string]bool{
	"XML": true, "REQUEST_XML": true, "FILES": true, "FILES_NAMES": true, "FILES_SIZES": true, "FILES_TMPNAMES": true, "FILES_TMP_CONTENT": true,
	"MULTIPART_NAME": true, "MULTIPART_FILENAME": true, "MULTIPART_PART_HEADERS": true, "ARGS_PATH": true, "GEO": true,
	"RESPONSE_HEADERS": true, "RESPONSE_HEADERS_NAMES": true, "RESPONSE_ARGS": true, "RESPONSE_XML": true,
}

var singles = map[string]source{
	"REQUEST_METHOD": srcMethod, "REQUEST_PROTOCOL": srcProtocol, "REQUEST_LINE": srcLine, "REQUEST_URI": srcURI, "REQUEST_URI_RAW": srcURIRaw,
	"QUERY_STRING": srcQuery, "REQUEST_FILENAME": srcFilename, "REQUEST_BASENAME": srcBasename, "REMOTE_ADDR": srcRemoteAddr, "REMOTE_PORT": srcRemotePort,
	"SERVER_ADDR": srcServerAddr, "SERVER_PORT": srcServerPort, "SERVER_NAME": srcServerName, "URI_PARSE_ERROR": srcURIParseError, "ARGS_COMBINED_SIZE": srcArgsSize,
}

var keyed = map[string]struct {
	names   bool
	sources []source
}{
	"REQUEST_HEADERS": {false, []source{srcHeaders}}, "REQUEST_HEADERS_NAMES": {true, []source{srcHeaders}},
	"REQUEST_COOKIES": {false, []source{srcCookies}}, "REQUEST_COOKIES_NAMES": {true, []source{srcCookies}},
	"ARGS": {false, []source{srcArgsGet, srcArgsPost}}, "ARGS_NAMES": {true, []source{srcArgsGet, srcArgsPost}},
	"ARGS_GET": {false, []source{srcArgsGet}}, "ARGS_GET_NAMES": {true, []source{srcArgsGet}},
	"ARGS_POST": {false, []source{srcArgsPost}}, "ARGS_POST_NAMES": {true, []source{srcArgsPost}},
}

// resolve says what a variable of a rule is in a phase. In phase 1 nothing is
// known of the body yet.
func resolve(v seclang.Variable, phase int) (target, error) {
	t := target{collection: v.Collection, count: v.Count}
	named := false
	switch v.Collection {
	case "TX":
		t.kind = kindTX
	case "MATCHED_VAR":
		t.kind = kindMatchedVar
	case "MATCHED_VAR_NAME":
		t.kind = kindMatchedVarName
	case "MATCHED_VARS":
		t.kind = kindMatchedVars
	case "MATCHED_VARS_NAMES":
		t.kind, named = kindMatchedVarsNames, true
	case "REQUEST_BODY":
		t.kind, t.sources = kindOne, []source{srcBody}
		if phase == 1 {
			t.kind = kindConstant
		}
	case "REQUEST_BODY_LENGTH":
		t.kind, t.sources = kindOne, []source{srcBodyLength}
		if phase == 1 {
			t.kind, t.constant = kindConstant, "0"
		}
	case "REQBODY_PROCESSOR":
		t.kind, t.sources = kindOne, []source{srcProcessor}
	default:
		if value, ok := constants[v.Collection]; ok {
			t.kind, t.constant = kindConstant, value
		} else if s, ok := singles[v.Collection]; ok {
			t.kind, t.sources = kindOne, []source{s}
			if s == srcArgsSize && phase == 1 {
				t.kind = kindUnknown
			}
		} else if k, ok := keyed[v.Collection]; ok {
			t.kind, named = kindValues, k.names
			if named {
				t.kind = kindNames
			}
			for _, s := range k.sources {
				if phase == 2 || s != srcArgsPost {
					t.sources = append(t.sources, s)
				}
			}
			if len(t.sources) == 0 {
				t.kind = kindAbsent
			}
		} else if absent[v.Collection] {
			t.kind = kindAbsent
		}
	}
	var err error
	if t.selector, err = newSelector(v.Selector, named, false); err != nil {
		return t, fmt.Errorf("selector of %s: %w", v.Collection, err)
	}
	for _, x := range v.Except {
		s, err := newSelector(x, named, true)
		if err != nil {
			return t, fmt.Errorf("exception of %s: %w", v.Collection, err)
		}
		t.except = append(t.except, s)
	}
	return t, nil
}
