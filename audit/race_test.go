//go:build race

package audit

func init() { raced = true }
