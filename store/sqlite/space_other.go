//go:build !unix

package sqlite

func isNoSpace(error) bool { return false }

func noRoom(string) bool { return false }
