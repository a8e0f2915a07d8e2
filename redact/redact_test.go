package redact

import "testing"

func TestText(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"mysql", "mysql -u root -pS3cret db", "mysql -u root -p******** db"},
		{"mysql asks", "mysql -u root -p db", "mysql -u root -p db"},
		{"ssh port is no secret", "ssh -p 2222 host", "ssh -p 2222 host"},
		{"environment", "AWS_SECRET_ACCESS_KEY=abc/def PATH=/bin", "AWS_SECRET_ACCESS_KEY=******** PATH=/bin"},
		{"key id stays", "AWS_ACCESS_KEY_ID=AKIAEXAMPLE", "AWS_ACCESS_KEY_ID=AKIAEXAMPLE"},
		{"option", "app --password hunter2 --port 80", "app --password ******** --port 80"},
		{"option with =", "app --token=abc", "app --token=********"},
		{"address", "git clone https://me:tok@git.example/x", "git clone https://me:********@git.example/x"},
		{"query", "curl https://x.example/?access_token=abc&b=1", "curl https://x.example/?access_token=********&b=1"},
		{"header", "curl -H Authorization: Bearer abcdefghi http://x", "curl -H Authorization: ******** http://x"},
		{"user", "curl -u me:pw http://x", "curl -u me:******** http://x"},
		{"sshpass", "sshpass -p pw ssh h", "sshpass -p ******** ssh h"},
		{"redis", "redis-cli -h h -a pw ping", "redis-cli -h h -a ******** ping"},
		{"container id stays", "docker exec c61b4b13ae44 sh", "docker exec c61b4b13ae44 sh"},
		{"uuid stays", "curl http://x/cec8d1cb-e854-45bf-a0bf-b7aa73707b4a", "curl http://x/cec8d1cb-e854-45bf-a0bf-b7aa73707b4a"},
		{"grep for keys stays", "grep -r BEGIN OPENSSH PRIVATE KEY /home", "grep -r BEGIN OPENSSH PRIVATE KEY /home"},
		{"find stays", "find / -name id_rsa -o -name passwd", "find / -name id_rsa -o -name passwd"},
		{"passwd file stays", "cat /etc/passwd", "cat /etc/passwd"},
	} {
		if got := Text(c.in); got != c.want {
			t.Errorf("%s: Text(%q)\n = %q\nwant %q", c.name, c.in, got, c.want)
		}
	}
}
