// The program of the double-link test: that it links is the result.
int main() { return 0; }
