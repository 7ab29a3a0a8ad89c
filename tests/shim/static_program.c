/* SPDX-License-Identifier: BSD-3-Clause */
/* A program that the preload library cannot get into. */
int main(void)
{
	return 0;
}
