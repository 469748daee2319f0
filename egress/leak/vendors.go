// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package leak

import (
	"bytes"
	"hash/crc32"
)

// token is a credential with a fixed beginning, as vendors make them so that
// they can be found.
type token struct {
	id       string
	prefixes []string
	classes  uint8 // of what stands behind the prefix
	min, max int   // of that, in bytes; max 0 is no limit
	valid    func(body []byte) bool
	public   []string // what stands before it where everybody may see it
}

// tokens are the forms that the vendors document.
var tokens = []token{
	{"aws_access_key", []string{"AKIA", "ASIA"}, upper | digit, 16, 16, base32, []string{"X-Amz-Credential=", "AWSAccessKeyId="}}, // of signed URLs
	{"google_api_key", []string{"AIza"}, url64, 35, 35, nil, nil},
	{"google_oauth", []string{"ya29.", "GOCSPX-"}, url64, 24, 0, nil, nil},
	{"github_token", []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_"}, alnum, 36, 0, githubSum, nil},
	{"github_token", []string{"github_pat_"}, alnum | dashes, 82, 82, nil, nil},
	{"gitlab_token", []string{"glpat-", "gldt-", "glrt-", "glptt-"}, url64, 20, 0, nil, nil},
	{"slack_token", []string{"xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xapp-", "xoxe-"}, alnum | dashes, 24, 0, mixed, nil},
	{"stripe_key", []string{"sk_live_", "rk_live_"}, alnum, 16, 0, nil, nil},
	{"webhook_secret", []string{"whsec_"}, alnum | base64 | padding, 24, 0, mixed, nil},
	{"twilio_key", hexed("SK"), hexLower, 31, 31, mixed, nil},
	{"npm_token", []string{"npm_"}, alnum, 36, 36, mixed, nil},
	{"pypi_token", []string{"pypi-AgE"}, url64, 64, 0, nil, nil},
	{"anthropic_key", []string{"sk-ant-"}, url64, 32, 0, nil, nil},
	{"openai_key", []string{"sk-proj-", "sk-svcacct-", "sk-admin-"}, url64, 40, 0, nil, nil},
	{"openai_key", []string{"sk-"}, alnum, 48, 48, mixed, nil},
	{"digitalocean_token", []string{"dop_v1_", "doo_v1_", "dor_v1_"}, hexLower, 64, 64, nil, nil},
	{"huggingface_token", []string{"hf_"}, letter | digit, 34, 34, mixed, nil},
	{"shopify_token", []string{"shpat_", "shpss_", "shpca_", "shppa_"}, hexLower, 32, 32, nil, nil},
	{"vault_token", []string{"hvs.", "hvb."}, url64, 24, 0, nil, nil},
	{"databricks_token", []string{"dapi"}, hexLower, 32, 32, mixed, nil},
	{"docker_token", []string{"dckr_pat_"}, url64, 27, 27, nil, nil},
	{"postman_key", []string{"PMAK-"}, hexLower | dashes, 59, 59, nil, nil},
	{"linear_key", []string{"lin_api_"}, alnum, 40, 40, nil, nil},
	{"atlassian_token", []string{"ATATT3"}, url64 | padding, 100, 0, nil, nil},
	{"age_key", []string{"AGE-SECRET-KEY-1"}, upper | digit, 58, 58, nil, nil},
	{"durward_key", []string{"dw_"}, alnum | dashes, 32, 0, durwardKey, nil},
	{"durward_key", []string{"dwc_"}, url64, 64, 0, nil, nil},
}

// hexed gives a prefix that is too short for an anchor with each digit behind it.
func hexed(prefix string) (out []string) {
	for _, c := range "0123456789abcdef" {
		out = append(out, prefix+string(c))
	}
	return out
}

func vendors() []maker {
	var out []maker
	for _, t := range tokens {
		if n := len(out); n == 0 || out[n-1].ID != t.id {
			out = append(out, maker{Detector: Detector{ID: t.id, Kind: Secret}})
		}
		m := &out[len(out)-1]
		for _, p := range t.prefixes {
			m.anchors = append(m.anchors, at(reachToken, t.check(len(p)), p)...)
		}
	}
	return append(out,
		maker{Detector: Detector{ID: "sendgrid_key", Kind: Secret}, anchors: at(reachToken, sendgrid, "SG.")},
		maker{Detector: Detector{ID: "slack_webhook", Kind: Secret}, anchors: at(reachLine, slackWebhook, "hooks.slack.com")},
		maker{Detector: Detector{ID: "aws_secret_key", Kind: Secret}, anchors: folded(reachLine, awsSecret,
			"secretaccesskey", "secret_access_key", "aws_secret", "aws secret", "secret access key")},
		maker{Detector: Detector{ID: "azure_storage_key", Kind: Secret}, anchors: folded(reachLine, azureKey, "accountkey=", "account_key", "accesskey=")},
		maker{Detector: Detector{ID: "gcp_service_account", Kind: Secret}, anchors: at(reachLine, gcpKeyID, "private_key_id")},
	)
}

// check looks at what stands behind a prefix of so many bytes.
func (t token) check(prefix int) func(view) found {
	around := t.classes | alnum
	return func(v view) found {
		start := v.at + prefix
		if !starts(v.b, v.at, around&^padding) { // "name=value" is usual
			return found{}
		}
		end := run(v.b, start, t.classes)
		for _, name := range t.public {
			if bytes.HasSuffix(v.b[:v.at], []byte(name)) {
				return found{}
			}
		}
		n := end - start
		if n < t.min || t.max > 0 && n > t.max || !ends(v.b, end, around) || t.valid != nil && !t.valid(v.b[start:end]) {
			return found{}
		}
		return found{v.at, end, 0}
	}
}

// base32 is the alphabet of key ids of AWS.
func base32(body []byte) bool {
	for _, c := range body {
		if c == '0' || c == '1' || c == '8' || c == '9' {
			return false
		}
	}
	return true
}

// mixed tells whether text has digits and letters and many different ones: a
// name or a placeholder does not.
func mixed(body []byte) bool {
	var seen [256]bool
	digits, letters, different := 0, 0, 0
	for _, c := range body {
		switch {
		case class[c]&digit != 0:
			digits++
		case class[c]&letter != 0:
			letters++
		}
		if !seen[c] {
			seen[c] = true
			different++
		}
	}
	return digits >= 2 && letters >= 2 && different >= 8
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// githubSum checks the CRC-32 of the first 30 characters, in base 62, with
// which the classic form of GitHub's tokens ends; longer forms have none.
func githubSum(body []byte) bool {
	if len(body) != 36 {
		return mixed(body)
	}
	sum := crc32.ChecksumIEEE(body[:30])
	for i := 35; i >= 30; i-- {
		if body[i] != base62[sum%62] {
			return false
		}
		sum /= 62
	}
	return true
}

// awsSecret: 40 characters of base64 as the value of such a name.
func awsSecret(v view) found { return valueOf(v, alnum|base64, 40, 40, mixed) }

// azureKey: 64 bytes in base64.
func azureKey(v view) found {
	return valueOf(v, alnum|base64|padding, 88, 88, func(b []byte) bool { return b[86] == '=' && b[87] == '=' && mixed(b) })
}

func gcpKeyID(v view) found { return valueOf(v, hexLower, 40, 40, mixed) }

// valueOf looks for the value behind a name: at most 24 bytes of more name,
// quotes and signs of equality lie between.
func valueOf(v view, classes uint8, shortest, longest int, valid func([]byte) bool) found {
	i := run(v.b, v.at, alnum|dashes|space)
	if i > v.at && v.b[i-1] == ' ' {
		i = run(v.b, v.at, alnum|dashes)
	}
	if i-v.at > 48 {
		return found{}
	}
	for most := i + 8; i < len(v.b) && i < most; i++ {
		if c := v.b[i]; c != ' ' && c != ':' && c != '=' && c != '"' && c != '\'' && c != '\\' && c != '>' {
			break
		}
	}
	if n := run(v.b, i, classes); n-i >= shortest && n-i <= longest && ends(v.b, n, classes) && valid(v.b[i:n]) {
		return found{i, n, 0}
	}
	return found{}
}

// sendgrid: "SG." and two texts of 22 and 43 characters.
func sendgrid(v view) found {
	one := run(v.b, v.at+3, url64)
	if !starts(v.b, v.at, alnum) || one-v.at-3 != 22 || one >= len(v.b) || v.b[one] != '.' {
		return found{}
	}
	two := run(v.b, one+1, url64)
	if two-one-1 != 43 {
		return found{}
	}
	return found{v.at, two, 0}
}

// slackWebhook: the three parts of the path, with which anybody can post.
func slackWebhook(v view) found {
	i := v.at + len("hooks.slack.com")
	end := i
	for end < len(v.b) && (class[v.b[end]]&(alnum|base64) != 0 || v.b[end] == '\\') {
		end++
	}
	if path := v.b[i:end]; len(path) < 40 || !mentions(path, "/services", "/workflows", "/triggers") {
		return found{}
	}
	return found{i, end, 0}
}

// durwardKey: ENVIRONMENT_ID_SECRETCHECKSUM, as the gateway's own API keys read.
func durwardKey(body []byte) bool {
	n := len(body)
	if n < 2+1+12+1+38 || n > 8+1+12+1+38 || body[n-39] != '_' || body[n-52] != '_' {
		return false
	}
	sum := crc32.Update(crc32.ChecksumIEEE([]byte("dw_")), crc32.IEEETable, body[:n-6])
	for i := n - 1; i >= n-6; i-- {
		if body[i] != base62[sum%62] {
			return false
		}
		sum /= 62
	}
	return true
}
