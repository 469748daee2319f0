// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"encoding/json"
	"math"
	"strconv"

	"durward/probe/spec"
)

// num writes a number as JSON, without an exponent where that is short.
func num(f float64) json.Number {
	if math.Abs(f) < 1e18 {
		return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
}

// limits gives the least and the largest allowed number, and whether there is
// such a bound. Exclusive bounds are moved by one step: 1, multipleOf, or a
// hundredth of the distance.
func limits(s *spec.Schema, whole bool) (low, high float64, hasLow, hasHigh bool) {
	step := 1.0
	if !whole {
		step = 0.01
	}
	if s.MultipleOf != nil {
		step = *s.MultipleOf
	}
	if s.Minimum != nil {
		low, hasLow = *s.Minimum, true
	}
	if x := s.ExclusiveMinimum; x != nil && (!hasLow || *x >= low) {
		low, hasLow = *x+step, true
		if whole {
			low = math.Floor(*x) + 1
		}
	}
	if s.Maximum != nil {
		high, hasHigh = *s.Maximum, true
	}
	if x := s.ExclusiveMaximum; x != nil && (!hasHigh || *x <= high) {
		high, hasHigh = *x-step, true
		if whole {
			high = math.Ceil(*x) - 1
		}
	}
	if hasLow && hasHigh && low > high { // bounds so near that a hundredth is too much
		if mid := middle(s); !whole && !math.IsNaN(mid) {
			low, high = mid, mid
		}
	}
	if whole {
		low, high = math.Ceil(low), math.Floor(high)
	}
	if s.MultipleOf != nil {
		low, high = ceilTo(low, *s.MultipleOf), floorTo(high, *s.MultipleOf)
	}
	return low, high, hasLow, hasHigh
}

// middle lies between the exclusive bounds, NaN where one is missing.
func middle(s *spec.Schema) float64 {
	low, high := math.NaN(), math.NaN()
	for _, x := range []*float64{s.Minimum, s.ExclusiveMinimum} {
		if x != nil && !(*x <= low) {
			low = *x
		}
	}
	for _, x := range []*float64{s.Maximum, s.ExclusiveMaximum} {
		if x != nil && !(*x >= high) {
			high = *x
		}
	}
	return low + (high-low)/2
}

func ceilTo(f, step float64) float64  { return round(math.Ceil(f/step-1e-9) * step) }
func floorTo(f, step float64) float64 { return round(math.Floor(f/step+1e-9) * step) }

// round takes away what a sum of decimal fractions has too much: 0.30000000004.
func round(f float64) float64 {
	if math.Abs(f) > 1e6 {
		return f
	}
	return math.Round(f*1e9) / 1e9
}

// ranges are what numbers of a name usually are.
var ranges = map[string][2]int{
	"year": {2020, 2026}, "month": {1, 12}, "day": {1, 28}, "hour": {0, 23}, "minute": {0, 59},
	"age": {21, 70}, "quantity": {1, 3}, "qty": {1, 3}, "count": {1, 3}, "page": {1, 1}, "limit": {10, 20},
	"size": {10, 20}, "offset": {0, 0}, "skip": {0, 0}, "price": {5, 90}, "amount": {1, 20}, "total": {5, 90},
	"port": {8080, 8089}, "rating": {1, 5}, "stars": {1, 5}, "score": {1, 5}, "percent": {5, 50}, "discount": {5, 20},
	"latitude": {-60, 60}, "lat": {-60, 60}, "longitude": {-120, 120}, "lng": {-120, 120}, "lon": {-120, 120},
	"pin": {1000, 9999}, "pincode": {1000, 9999}, "otp": {1000, 9999}, "zip": {10000, 99999}, "zipcode": {10000, 99999},
	"cvv": {100, 999}, "timestamp": {1893456000, 1893542400}, "mileage": {100, 50000},
}

func (g *generator) number(s *spec.Schema, whole bool, name string) any {
	low, high, hasLow, hasHigh := limits(s, whole)
	from, to := 1, 100
	for _, w := range words(name) {
		if usual, ok := ranges[w]; ok {
			from, to = usual[0], usual[1]
		}
	}
	// What the name says holds as far as the bounds let it.
	a, b := float64(from), float64(to)
	switch {
	case hasLow && hasHigh:
		if a < low || a > high {
			a = low
		}
		if b > high || b < a {
			b = high
		}
	case hasLow && b < low:
		a, b = low, low+100
	case hasLow:
		a = max(a, low)
	case hasHigh && a > high:
		a, b = high-100, high
	case hasHigh:
		b = min(b, high)
	}
	f := a
	if b > a {
		f = a + math.Floor(g.r.Float64()*(b-a+1))
		f = min(f, b)
	}
	if !whole && f+0.99 <= b && s.MultipleOf == nil {
		f = round(f + float64(g.r.IntN(100))/100)
	}
	if s.MultipleOf != nil {
		f = floorTo(f, *s.MultipleOf)
		if hasLow && f < low || !hasLow && f < a {
			f = round(f + *s.MultipleOf)
		}
	}
	return num(f)
}
