// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package leak

// luhn is the checksum of ISO/IEC 7812-1, annex B, over digits alone.
func luhn(digits []byte) bool {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return len(digits) > 0 && sum%10 == 0
}

// mod97 is the checksum of ISO/IEC 7064, MOD 97-10, as IBANs have it (ISO
// 13616): the first four characters count as the last, letters from A as 10.
func mod97(text []byte) bool {
	if len(text) < 5 {
		return false
	}
	rest := 0
	for i := range text {
		switch c := text[(i+4)%len(text)]; {
		case class[c]&digit != 0:
			rest = (rest*10 + int(c-'0')) % 97
		case class[c]&upper != 0:
			rest = (rest*100 + int(c-'A') + 10) % 97
		default:
			return false
		}
	}
	return rest == 1
}

// weighted sums digits by weights.
func weighted(digits []byte, weights ...int) int {
	sum := 0
	for i, w := range weights {
		sum += int(digits[i]-'0') * w
	}
	return sum
}

// mod11 is the checksum of national numbers like the NHS's: weights from the
// number of digits down to 2, and what is missing to a multiple of 11 behind.
func mod11(digits []byte) bool {
	sum := 0
	for i, d := range digits[:max(len(digits)-1, 0)] {
		sum += int(d-'0') * (len(digits) - i)
	}
	return len(digits) > 1 && (11-sum%11)%11 == int(digits[len(digits)-1]-'0')
}

// onlyDigits copies the digits of b to dst, at most as many as it holds.
func onlyDigits(dst, b []byte) []byte {
	for _, c := range b {
		if class[c]&digit != 0 && len(dst) < cap(dst) {
			dst = append(dst, c)
		}
	}
	return dst
}

// alike tells whether all bytes are the same, as in a placeholder.
func alike(b []byte) bool {
	for _, c := range b {
		if c != b[0] {
			return false
		}
	}
	return true
}
