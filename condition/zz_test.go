package condition

import "testing"

func BenchmarkTruthGet(b *testing.B) {
	a := sample()
	for _, n := range []string{"proc.pname", "user.uid", "missing.field"} {
		b.Run(n, func(b *testing.B) {
			var v Values = a
			for b.Loop() {
				v.Get(n)
			}
		})
	}
}
